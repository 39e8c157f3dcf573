import { nextDigest } from "./crc32";
import type { EntryView as Entry, MarkView } from "./frames";

/** What a device holds of a stream. `head` and `digest` are those of the last entry applied; `entries` are all above `floor`. */
export interface StreamState {
  readonly stream: string;
  readonly floor: number;
  readonly head: number;
  readonly digest: number;
  readonly entries: readonly Entry[];
}

export const NAMELESS = "-"; // what an erased customer is called

export function empty(stream: string, at = 0, digest = 0): StreamState {
  return { stream, floor: at, head: at, digest, entries: [] };
}

/** Applies what comes next, ignores what is there, and stops before a gap: whoever sees that the answer's head is not
 * the last entry's position fetches from the head on. `entries` ascend. The twin of domain/fold.py. */
export function fold(state: StreamState, entries: readonly Entry[]): StreamState {
  let { head, digest } = state;
  let held = [...state.entries];
  for (const entry of entries) {
    if (entry.position <= head) continue;
    if (entry.position !== head + 1) break;
    held = told(held, entry);
    held.push(entry);
    head = entry.position;
    digest = nextDigest(digest, entry.id);
  }
  return head === state.head ? state : { ...state, head, digest, entries: held };
}

/** `held` after `entry` was told: a recall and an erasure leave stubs, everything else leaves it as it is. */
export function told<E extends Entry>(held: E[], entry: Entry): E[] {
  if (entry.kind === "recall")
    return held.map((each) =>
      each.id === entry.body.target && each.author === entry.author ? { ...each, body: {}, gone: "recalled" } : each,
    );
  if (entry.kind === "erased")
    return held.map((each) => ({
      ...each,
      body: {},
      gone: "erased",
      author_name: each.side === "customer" ? NAMELESS : each.author_name,
    }));
  return held;
}

/** Marks only grow: of each person the larger one stands. */
export function foldMarks(marks: readonly MarkView[], said: readonly MarkView[]): MarkView[] {
  const merged = new Map(marks.map((mark) => [mark.person_id, mark]));
  for (const mark of said) {
    const old = merged.get(mark.person_id) ?? mark;
    merged.set(mark.person_id, {
      ...mark,
      delivered: Math.max(old.delivered, mark.delivered),
      read: Math.max(old.read, mark.read),
    });
  }
  return [...merged.values()];
}
