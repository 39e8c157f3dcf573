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
