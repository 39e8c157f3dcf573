import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Ok } from "./frames";
import { memoryOutbox, type Outbox } from "./outbox";
import { type News, Wire, type WireHooks } from "./wire";

/** Keeps the WebSocket interface as far as the wire uses it; the test plays the server. */
class FakeSocket {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = 0;
  sent: Record<string, unknown>[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.readyState = 3;
  }
  opens(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  says(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  dies(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }
  of(type: string): Record<string, unknown>[] {
    return this.sent.filter((frame) => frame.type === type);
  }
}

/** Keeps the RTCDataChannel interface as far as the wire uses it. */
class FakeChannel extends EventTarget {
  readyState = "open";
  sent: Record<string, unknown>[] = [];
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  says(frame: object): void {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(frame) }));
  }
  dies(): void {
    this.readyState = "closed";
    this.dispatchEvent(new Event("close"));
  }
  of(type: string): Record<string, unknown>[] {
    return this.sent.filter((frame) => frame.type === type);
  }
}

const ok = (frame: Record<string, unknown> | undefined, position = 1) => ({ type: "ok", ref: frame?.ref, position });
const message = (cmid: string) => ({ type: "consent.set" as const, cmid, recording: true });

describe("the wire", () => {
  let wire: Wire;
  let news: News[];
  let statuses: string[];
  let restored: Parameters<WireHooks["restored"]>[0];
  let outbox: Outbox;
  const make = () =>
    new Wire("ws://shop/ws/customer", outbox, () => ({ position: 0, language: "en" }), {
      welcome: () => undefined,
      news: (said) => news.push(said),
      status: (status) => statuses.push(status),
      restored: (entries) => {
        restored = entries;
        for (const { answer } of entries) answer.catch(() => undefined);
      },
    });
  const socket = () => FakeSocket.all.at(-1) as FakeSocket;
  const welcome = (call: { id: string } | null = { id: "call-1" }) => {
    socket().opens();
    socket().says({ type: "welcome", ref: socket().sent[0]?.ref, call, events: [], watermarks: [] });
  };
  const channel = () => {
    const made = new FakeChannel();
    wire.attach(made as unknown as RTCDataChannel);
    return made;
  };

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("WebSocket", FakeSocket);
    FakeSocket.all = [];
    news = [];
    statuses = [];
    restored = [];
    outbox = memoryOutbox();
    wire = make();
    wire.open();
  });
  afterEach(() => {
    wire.close();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("says hello first and sends nothing else before the welcome", async () => {
    const answer = wire.request(message("cmid-0001"));
    socket().opens();
    expect(socket().sent.map((frame) => frame.type)).toEqual(["hello"]);
    socket().says({ type: "welcome", ref: "x", call: null, events: [], watermarks: [] });
    expect(socket().of("consent.set")).toHaveLength(1);
    socket().says(ok(socket().of("consent.set")[0], 7));
    expect((await answer).position).toBe(7);
  });

  it("sends a durable request on the channel, and on the socket when no answer came in 700 ms; both answers count once", async () => {
    welcome();
    const other = channel();
    const answers: Ok[] = [];
    void wire.request(message("cmid-0002")).then((answer) => answers.push(answer));
    expect(other.of("consent.set")).toHaveLength(1);
    expect(socket().of("consent.set")).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(701);
    const [first, second] = [other.of("consent.set")[0], socket().of("consent.set")[0]];
    expect(second?.cmid).toBe(first?.cmid);
    expect(second?.ref).not.toBe(first?.ref);
    socket().says(ok(second));
    other.says(ok(first));
    await vi.advanceTimersByTimeAsync(5000);
    expect(answers).toHaveLength(1);
    expect(socket().of("consent.set")).toHaveLength(1);
  });

  it("lets no message overtake an unanswered one on a channel that has just opened", () => {
    welcome();
    wire.request(message("cmid-0011")).catch(() => undefined);
    wire.request(message("cmid-0012")).catch(() => undefined);
    socket().says(ok(socket().of("consent.set")[0]));
    const other = channel(); // the socket may be dying unseen
    wire.request(message("cmid-0013")).catch(() => undefined);
    wire.request(message("cmid-0014")).catch(() => undefined);
    expect(other.of("consent.set").map((frame) => frame.cmid)).toEqual(["cmid-0012", "cmid-0013", "cmid-0014"]);
  });

  it("sends what is unanswered in its order on a new socket", async () => {
    welcome();
    const other = channel();
    for (const cmid of ["cmid-0015", "cmid-0016"]) wire.request(message(cmid)).catch(() => undefined);
    socket().dies();
    await vi.advanceTimersByTimeAsync(300);
    welcome();
    other.dies();
    wire.request(message("cmid-0017")).catch(() => undefined);
    expect(
      socket()
        .of("consent.set")
        .map((frame) => frame.cmid),
    ).toEqual(["cmid-0015", "cmid-0016", "cmid-0017"]);
  });

  it("moves to the socket at once when the channel closes", () => {
    welcome();
    const other = channel();
    wire.request(message("cmid-0003")).catch(() => undefined);
    other.dies();
    expect(socket().of("consent.set")).toHaveLength(1);
  });

  it("carries everything on the channel while the socket is gone", async () => {
    welcome();
    const other = channel();
    socket().dies();
    const answer = wire.request({ type: "call.end" });
    expect(other.of("call.end")).toHaveLength(1);
    other.says(ok(other.of("call.end")[0]));
    await expect(answer).resolves.toBeTruthy();
  });

  it("keeps a durable request over a lost connection and sends it when it is back", async () => {
    welcome();
    socket().dies();
    expect(statuses.at(-1)).toBe("lost");
    const answer = wire.request(message("cmid-0004"));
    await vi.advanceTimersByTimeAsync(300);
    welcome();
    socket().says(ok(socket().of("consent.set")[0], 3));
    expect((await answer).position).toBe(3);
    expect(await outbox.all()).toEqual([]);
  });

  it("sends what an earlier page left, but never into another call", async () => {
    await outbox.put({ cmid: "cmid-0005", callId: "call-1", at: 1, frame: message("cmid-0005") });
    await outbox.put({ cmid: "cmid-0006", callId: "call-0", at: 2, frame: message("cmid-0006") });
    welcome();
    await vi.advanceTimersByTimeAsync(0);
    expect(
      socket()
        .of("consent.set")
        .map((frame) => frame.cmid),
    ).toEqual(["cmid-0005"]);
    expect(restored.map((entry) => entry.kept.cmid)).toEqual(["cmid-0005"]);
    expect((await outbox.all()).map((kept) => kept.cmid)).toEqual(["cmid-0005"]);
  });

  it("refuses with the server's code, and comes back by itself when the server is busy", async () => {
    welcome();
    const refused = wire.request(message("cmid-0007"));
    socket().says({ type: "error", ref: socket().of("consent.set")[0]?.ref, code: "conflict", message: "over" });
    await expect(refused).rejects.toMatchObject({ code: "conflict" });
    const busy = wire.request(message("cmid-0008"));
    socket().says({ type: "error", ref: socket().of("consent.set")[1]?.ref, code: "unavailable", message: "busy" });
    await vi.advanceTimersByTimeAsync(1001);
    socket().says(ok(socket().of("consent.set")[2], 9));
    expect((await busy).position).toBe(9);
  });

  it("lets no message pass one that the server wants later", async () => {
    welcome();
    const sent = () =>
      socket()
        .of("consent.set")
        .map((frame) => frame.cmid);
    wire.request(message("cmid-0021")).catch(() => undefined);
    const refusal = { type: "error", ref: socket().of("consent.set")[0]?.ref, code: "rate_limited", message: "" };
    socket().says({ ...refusal, retry_after_s: 0.5 });
    wire.request(message("cmid-0022")).catch(() => undefined);
    wire.request({ type: "ping" }).catch(() => undefined);
    expect(sent()).toEqual(["cmid-0021"]);
    expect(socket().of("ping")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(501);
    expect(sent()).toEqual(["cmid-0021", "cmid-0021", "cmid-0022"]);
  });

  it("lets a request without a cmid fail after its deadline", async () => {
    welcome();
    const late = expect(wire.request({ type: "sync", after: 0 })).rejects.toMatchObject({ code: "no_answer" });
    await vi.advanceTimersByTimeAsync(8001);
    await late;
  });

  it("does not send what was given up while no carrier was there", async () => {
    const giving = new AbortController();
    const gone = expect(
      wire.request({ type: "media.offer", peer: "p1", sdp: "v=0" }, { given: giving.signal }),
    ).rejects.toMatchObject({ code: "closed" });
    giving.abort();
    await gone;
    welcome();
    expect(socket().of("media.offer")).toHaveLength(0);
  });

  it("stays quiet after another tab took over, until it is asked back", async () => {
    welcome();
    const before = FakeSocket.all.length;
    socket().says({ type: "replaced" });
    socket().dies(4500);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.all).toHaveLength(before);
    expect(statuses.at(-1)).toBe("replaced");
    wire.takeOver();
    welcome();
    expect(statuses.at(-1)).toBe("open");
  });

  it("carries out a command once that came on both carriers", () => {
    welcome();
    const other = channel();
    const command = { type: "camera.command", switch: true, torch: null, zoom: null };
    socket().says(command);
    other.says(command);
    expect(news).toHaveLength(1);
  });

  it("comes back within 1.2 s of the network for the first half minute, then within 5 s", async () => {
    welcome();
    for (let lost = 0; lost < 20; lost++) {
      const before = FakeSocket.all.length;
      socket().dies();
      await vi.advanceTimersByTimeAsync(1201);
      expect(FakeSocket.all.length).toBe(before + 1);
    }
  });
});
