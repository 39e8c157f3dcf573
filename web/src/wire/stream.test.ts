import { beforeEach, describe, expect, it, vi } from "vitest";
import type { CallEvent } from "./frames";
import { Stream } from "./stream";
import { Twice } from "./twice";

const event = (position: number, call_id = "a"): CallEvent => ({
  call_id,
  position,
  kind: "message",
  cmid: `cmid-${position}`,
  author: "x",
  side: "staff",
  author_name: "X",
  at: "2026-01-01T00:00:00Z",
  body: { text: String(position) },
});

describe("a call's stream", () => {
  let applied: number[];
  let asked: number[];
  let stream: Stream;
  beforeEach(() => {
    applied = [];
    asked = [];
    stream = new Stream(
      async (after) => {
        asked.push(after);
        return [1, 2, 3, 4, 5].filter((n) => n > after).map((n) => event(n));
      },
      (events) => applied.push(...events.map((e) => e.position)),
    );
    stream.turnTo("a");
  });

  it("applies each event once, in order, however often it comes", () => {
    stream.take([event(2), event(1)]);
    stream.take([event(1)]);
    stream.take([event(3), event(2)]);
    expect(applied).toEqual([1, 2, 3]);
    expect(asked).toEqual([]);
  });

  it("fetches a gap and loses nothing", async () => {
    stream.take([event(1)]);
    stream.take([event(4)]);
    expect(applied).toEqual([1]);
    await vi.waitFor(() => expect(applied).toEqual([1, 2, 3, 4, 5]));
    expect(asked).toEqual([1]);
  });

  it("fetches on while an answer holds only a part of what is missing", async () => {
    const few = new Stream(
      async (after) => [1, 2, 3, 4, 5].filter((n) => n > after && n <= after + 2).map((n) => event(n)),
      (events) => applied.push(...events.map((e) => e.position)),
    );
    few.turnTo("a");
    few.take([event(5)]);
    await vi.waitFor(() => expect(applied).toEqual([1, 2, 3, 4, 5]));
  });

  it("ignores events of another call and starts anew when it turns to it", () => {
    stream.take([event(1), event(1, "b")]);
    expect(stream.turnTo("b")).toBe(true);
    expect(stream.turnTo("b")).toBe(false);
    stream.take([event(1, "b"), event(2, "a")]);
    expect(applied).toEqual([1, 1]);
    expect(stream.position).toBe(1);
  });

  it("fetches what the head promises and nobody sends", async () => {
    vi.useFakeTimers();
    stream.reaches(2);
    await vi.advanceTimersByTimeAsync(299);
    expect(asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    expect(asked).toEqual([0]);
    vi.useRealTimers();
  });
});

describe("news on both carriers", () => {
  it("counts once, and a true repetition on one carrier counts again", () => {
    const twice = new Twice();
    expect(twice.known("socket", "switch")).toBe(false);
    expect(twice.known("channel", "switch")).toBe(true);
    expect(twice.known("socket", "switch")).toBe(false);
    expect(twice.known("channel", "switch")).toBe(true);
    expect(twice.known("channel", "other")).toBe(false);
  });
});
