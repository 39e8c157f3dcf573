import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Conversations } from "./conversations";
import { nextDigest } from "./crc32";
import { Database } from "./database";
import type { EntryView } from "./frames";
import { entry } from "./people.fixture";
import { MemoryShelf } from "./shelf";

type Frame = Record<string, unknown> & { type: string; ref: string };

/** Keeps the WebSocket interface as far as the link uses it, and the server's rules as far as a device sees them. */
class FakeServer {
  entries: EntryView[] = [];
  counter = 0;
  answers = true;
  heard: Frame[] = [];
  sockets: FakeSocket[] = [];
  refuses: Record<string, string> = {};

  digest(to = this.entries.length): number {
    return this.entries.slice(0, to).reduce((digest, each) => nextDigest(digest, each.id), 0);
  }

  news(after: number, ref: string | null = null): object {
    const head = this.entries.length;
    const digest = this.digest();
    return { type: "chat.entries", ref, stream: "c.ann", after, entries: this.entries.slice(after), head, digest };
  }

  append(id: string, author = "ann", text = id): void {
    this.entries.push(entry({ position: this.entries.length + 1, id, author, body: { text } }));
    for (const socket of this.sockets) socket.says(this.news(this.entries.length - 1));
  }

  take(socket: FakeSocket, frame: Frame): void {
    this.heard.push(frame);
    if (frame.type === "chat.hello") {
      const cursor = (frame.cursors as { position: number }[])[0];
      const heads = [{ stream: "c.ann", head: this.entries.length, digest: this.digest() }];
      const rest = { epoch: "e1", me: { id: "ann", name: "Ann", side: "customer" }, expected: this.counter + 1 };
      socket.says({ type: "chat.welcome", ref: frame.ref, ...rest, now: "", streams: heads, shop: {} });
      if (cursor) this.catchUp(socket, cursor.position);
    } else if (frame.type === "chat.fetch") socket.says(this.news(frame.after as number, frame.ref));
    else if (frame.type === "chat.open") socket.says({ type: "ok", ref: frame.ref });
    else if (frame.type === "chat.append" && this.answers) this.write(socket, frame);
  }

  catchUp(socket: FakeSocket, from: number): void {
    if (from > this.entries.length) socket.says({ type: "chat.reset", stream: "c.ann", after: 0, digest: 0 });
    socket.says(this.news(from > this.entries.length ? 0 : from));
  }

  write(socket: FakeSocket, frame: Frame): void {
    const known = this.entries.find((each) => each.id === frame.id);
    const error = { type: "error", ref: frame.ref, message: "", expected: null, position: null, taken_by: null };
    const code = this.refuses[frame.id as string];
    if (!known && frame.n !== this.counter + 1)
      return socket.says({ ...error, code: "expect", expected: this.counter + 1, retry_after_s: null });
    if (code) return socket.says({ ...error, code, retry_after_s: 0.1 });
    if (!known) this.counter += 1;
    if (!known) this.append(frame.id as string, "ann", (frame.body as { text: string }).text);
    const position = known?.position ?? this.entries.length;
    socket.says({ type: "chat.ack", ref: frame.ref, id: frame.id, stream: "c.ann", position, at: "" });
  }
}

let server: FakeServer;

class FakeSocket {
  static readonly OPEN = 1;
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  constructor() {
    queueMicrotask(() => {
      this.readyState = 1;
      server.sockets.push(this);
      this.onopen?.();
    });
  }
  send(text: string): void {
    server.take(this, JSON.parse(text));
  }
  says(frame: object): void {
    const data = JSON.stringify(frame);
    queueMicrotask(() => this.readyState === 1 && this.onmessage?.({ data }));
  }
  close(): void {
    this.readyState = 3;
    server.sockets = server.sockets.filter((each) => each !== this);
  }
  dies(): void {
    this.close();
    this.onclose?.({ code: 1006 });
  }
}

describe("a conversation in the browser", () => {
  let shelf: MemoryShelf;
  let talk: Conversations;
  const open = async () => {
    talk = await Conversations.open(
      { id: "ann", side: "customer" },
      null,
      await Database.open("customer", "ann", shelf),
    );
    await talk.open("c.ann");
  };
  const start = async () => {
    talk.start();
    await vi.advanceTimersByTimeAsync(10);
  };
  const say = (text: string) => talk.write("c.ann", "text", { text }, { id: `m-${text.padStart(7, "0")}` });
  const shown = () => talk.state("c.ann").entries.map((each) => each.body.text);
  const cut = () => {
    for (const socket of [...server.sockets]) socket.dies();
  };

  beforeEach(async () => {
    vi.useFakeTimers();
    vi.stubGlobal("WebSocket", FakeSocket);
    vi.stubGlobal("BroadcastChannel", undefined);
    vi.stubGlobal("navigator", { onLine: true, userAgent: "" });
    server = new FakeServer();
    shelf = new MemoryShelf();
    await open();
  });

  afterEach(() => {
    talk.close();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("keeps what is written without a network, over a reload, and sends it once and in order", async () => {
    for (const text of ["one", "two", "three"]) await say(text);
    talk.close();
    await open();
    expect(talk.waiting.map((each) => each.body.text)).toEqual(["one", "two", "three"]);
    await start();
    expect(shown()).toEqual(["one", "two", "three"]);
    expect(talk.waiting).toEqual([]);
    expect(server.counter).toBe(3);
  });

  it("sends again what was not acknowledged, and it counts once", async () => {
    await start();
    server.answers = false;
    await say("lost");
    await vi.advanceTimersByTimeAsync(10);
    expect(talk.waiting).toHaveLength(1);
    server.answers = true;
    await vi.advanceTimersByTimeAsync(3100);
    cut();
    await vi.advanceTimersByTimeAsync(1000);
    expect(shown()).toEqual(["lost"]);
  });

  it("numbers anew from what the server expects", async () => {
    server.counter = 40;
    await start();
    for (const text of ["a", "b", "c"]) await say(text);
    await vi.advanceTimersByTimeAsync(200);
    expect(shown()).toEqual(["a", "b", "c"]);
    expect(server.counter).toBe(43);
  });

  it("keeps the order when the browser has forgotten what it wrote last", async () => {
    server.counter = 2;
    await start();
    for (const text of ["a", "b", "c", "d"]) await say(text); // 1 to 4; the server would take 3, which is c
    await vi.advanceTimersByTimeAsync(200);
    expect(shown()).toEqual(["a", "b", "c", "d"]);
  });

  it("keeps a refused message on the page and sends the others", async () => {
    await start();
    server.refuses["m-0000bad"] = "held_back";
    for (const text of ["a", "bad", "c"]) await say(text);
    await vi.advanceTimersByTimeAsync(200);
    expect(shown()).toEqual(["a", "c"]);
    expect(talk.waiting.map((each) => [each.body.text, each.refused])).toEqual([["bad", "held_back"]]);
    server.refuses = {};
    await talk.again("m-0000bad", { force: true });
    await vi.advanceTimersByTimeAsync(200);
    expect(shown()).toEqual(["a", "c", "bad"]);
  });

  it("waits when the server is busy and keeps the order", async () => {
    await start();
    server.refuses["m-00000a1"] = "rate_limited";
    await say("a1");
    await say("a2");
    await vi.advanceTimersByTimeAsync(50);
    server.refuses = {};
    await vi.advanceTimersByTimeAsync(200);
    expect(shown()).toEqual(["a1", "a2"]);
  });

  it("fetches what it missed when a heartbeat tells of it", async () => {
    await start();
    server.entries.push(entry({ position: 1 }));
    server.sockets[0]?.says({ type: "chat.heads", heads: [{ stream: "c.ann", head: 1, digest: server.digest() }] });
    await vi.advanceTimersByTimeAsync(10);
    expect(talk.state("c.ann").head).toBe(1);
  });

  it("reads a stream anew when its digest differs from the server's", async () => {
    await start();
    server.append("m-0000001", "li");
    server.entries[0] = entry({ position: 1, id: "m-other-1", body: { text: "other" } });
    server.append("m-0000002", "li");
    await vi.advanceTimersByTimeAsync(10);
    expect(shown()).toEqual(["other", "m-0000002"]);
  });

  it("offers back what a restored server has lost", async () => {
    await start();
    for (const text of ["a", "b", "c"]) await say(text);
    await vi.advanceTimersByTimeAsync(200);
    cut();
    server.entries = server.entries.slice(0, 1);
    server.counter = 1;
    await vi.advanceTimersByTimeAsync(1500);
    expect(shown()).toEqual(["a", "b", "c"]);
    expect(server.entries.map((each) => each.id)).toEqual(["m-000000a", "m-000000b", "m-000000c"]);
  });

  it("tells how far it has seen, and again after a lost connection", async () => {
    await start();
    server.append("m-0000001", "li");
    await vi.advanceTimersByTimeAsync(10);
    talk.seen("c.ann", 1, 1);
    await vi.advanceTimersByTimeAsync(300);
    const told = () => server.heard.filter((frame) => frame.type === "chat.seen");
    expect(told()).toMatchObject([{ delivered: 1, read: 1 }]);
    cut();
    await vi.advanceTimersByTimeAsync(1000);
    expect(told()).toHaveLength(2);
  });

  it("is lost without a connection, and back by itself", async () => {
    await start();
    expect(talk.status).toBe("open");
    cut();
    expect(talk.status).toBe("lost");
    await vi.advanceTimersByTimeAsync(1000);
    expect(talk.status).toBe("open");
  });
});
