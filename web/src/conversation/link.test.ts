import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ChatHello } from "./frames";
import { Link } from "./link";

/** Opens, and says what the test lets it say. */
class QuietSocket {
  static readonly OPEN = 1;
  static made: QuietSocket[] = [];
  readyState = 0;
  heard: { type: string; ref: string }[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  constructor() {
    QuietSocket.made.push(this);
    queueMicrotask(() => {
      this.readyState = 1;
      this.onopen?.();
    });
  }
  send(text: string): void {
    this.heard.push(JSON.parse(text));
  }
  close(): void {
    this.readyState = 3;
  }
}

const polls: string[] = [];
let link: Link;

beforeEach(() => {
  vi.useFakeTimers();
  QuietSocket.made = [];
  polls.length = 0;
  vi.stubGlobal("WebSocket", QuietSocket);
  vi.stubGlobal("navigator", { onLine: true, userAgent: "" });
  vi.stubGlobal("fetch", (path: string) => {
    polls.push(path);
    return new Promise(() => undefined);
  });
  const page = { device: "device-1", tab: "t", side: "customer" } as const;
  link = new Link("ws://shop/ws/customer/chat", page, {
    hello: () => ({ device: "device-1", tab: "t" }) as Omit<ChatHello, "ref" | "type">,
    welcome: () => undefined,
    said: () => undefined,
    carrier: () => undefined,
    status: () => undefined,
  });
  link.open();
});

afterEach(() => {
  link.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a socket that opens and never says anything is given up, and another way is tried", async () => {
  await vi.advanceTimersByTimeAsync(9000);
  expect(QuietSocket.made.length).toBe(1);
  await vi.advanceTimersByTimeAsync(8000);
  expect(QuietSocket.made[0]?.readyState).toBe(3);
  expect(QuietSocket.made.length).toBeGreaterThan(1);
  await vi.advanceTimersByTimeAsync(40_000);
  expect(polls.length).toBeGreaterThan(0);
});

test("a socket that was welcomed may be silent for as long as the server's heartbeats allow", async () => {
  await vi.advanceTimersByTimeAsync(10);
  const [socket] = QuietSocket.made;
  const ref = socket?.heard[0]?.ref;
  socket?.onmessage?.({ data: JSON.stringify({ type: "chat.welcome", ref, streams: [] }) });
  await vi.advanceTimersByTimeAsync(40_000);
  expect(QuietSocket.made.length).toBe(1);
  await vi.advanceTimersByTimeAsync(12_000);
  expect(QuietSocket.made.length).toBeGreaterThan(1);
});

/** A data channel that takes what it is given. */
class Channel extends EventTarget {
  readyState = "open";
  heard: { type: string; ref: string }[] = [];
  send(text: string): void {
    this.heard.push(JSON.parse(text));
  }
  says(frame: object): void {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(frame) }));
  }
}

test("an entry goes out on a lent channel, and on the socket as well when nobody answered", async () => {
  await vi.advanceTimersByTimeAsync(10);
  const socket = QuietSocket.made[0] as QuietSocket;
  socket.onmessage?.({ data: JSON.stringify({ type: "chat.welcome", ref: socket.heard[0]?.ref, streams: [] }) });
  const channel = new Channel();
  link.lend(channel as unknown as RTCDataChannel);
  channel.says({ type: "chat.welcome", ref: channel.heard[0]?.ref, streams: [] });
  const entry = { type: "chat.append", n: 1, id: "m-1", stream: "c.ann", kind: "text", body: {} } as const;
  const appends = (on: { heard: { type: string }[] }) => on.heard.filter((frame) => frame.type === entry.type).length;
  link.append(entry as never);
  expect([appends(channel), appends(socket)]).toEqual([1, 0]);
  link.append(entry as never, true);
  expect([appends(channel), appends(socket)]).toEqual([2, 1]);
  channel.dispatchEvent(new Event("close"));
  link.append(entry as never);
  expect([appends(channel), appends(socket)]).toEqual([2, 2]);
});

test("a channel that a newer one has replaced says nothing more, and is told nothing", async () => {
  const [old, fresh] = [new Channel(), new Channel()];
  for (const each of [old, fresh]) link.lend(each as unknown as RTCDataChannel);
  old.says({ type: "chat.welcome", ref: old.heard[0]?.ref, streams: [] });
  expect(link.append({ type: "chat.leave", stream: "c.ann" })).toBeNull();
  fresh.says({ type: "chat.welcome", ref: fresh.heard[0]?.ref, streams: [] });
  link.append({ type: "chat.leave", stream: "c.ann" });
  expect([old.heard.length, fresh.heard.length]).toEqual([1, 2]);
});
