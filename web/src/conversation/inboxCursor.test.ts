import { expect, test } from "vitest";
import type { ChatInbox } from "./frames";
import { InboxCursor } from "./inboxCursor";

const told = (after: number, position: number, digest: number): ChatInbox => ({
  type: "chat.inbox",
  after,
  position,
  digest,
  is_whole: after === 0,
  rows: [],
});

function opened(position = 0, digest = 0): { inbox: InboxCursor; fetched: number[] } {
  const fetched: number[] = [];
  const inbox = new InboxCursor("i.shop", position, digest);
  inbox.fetch = (after) => fetched.push(after);
  return { inbox, fetched };
}

test("rows are taken in their order, doubles are nothing, a gap is asked for", () => {
  const { inbox, fetched } = opened();
  const frames = [told(0, 3, 33), told(0, 3, 33), told(4, 5, 55), told(3, 5, 55), told(3, 4, 44)];
  expect(frames.map((frame) => inbox.take(frame))).toEqual([true, false, false, true, false]);
  expect([inbox.position, inbox.digest]).toEqual([5, 55]);
  expect(fetched).toEqual([3]);
});

test("the whole inbox of a database that was put back is taken, also at a position that was passed", () => {
  const { inbox } = opened(9, 99);
  expect([inbox.take(told(0, 6, 60)), inbox.take(told(6, 9, 91))]).toEqual([true, true]);
  expect([inbox.position, inbox.digest]).toEqual([9, 91]);
});

test("a head that is further is a gap, and another history at this position is asked for from the beginning", () => {
  const { inbox, fetched } = opened(9, 99);
  inbox.compare({ stream: "i.shop", head: 12, digest: 1 });
  inbox.compare({ stream: "i.shop", head: 9, digest: 1 });
  inbox.compare({ stream: "i.shop", head: 9, digest: 99 });
  inbox.compare({ stream: "i.shop", head: 8, digest: 1 });
  inbox.compare({ stream: "c.ann", head: 90, digest: 1 });
  expect(fetched).toEqual([9, 0]);
});

test("a server that was put back to before this position, or says so, is read from the beginning", () => {
  for (const [head, isRestored] of [
    [8, false],
    [12, true],
  ] as const) {
    const { inbox } = opened(9, 99);
    inbox.begin([{ stream: "i.shop", head, digest: 1 }], isRestored);
    expect([inbox.position, inbox.digest]).toEqual([0, 0]);
  }
  const { inbox } = opened(9, 99);
  inbox.begin([{ stream: "i.shop", head: 12, digest: 1 }], false);
  expect(inbox.position).toBe(9);
});
