import type { EntryView as Entry } from "./frames";

/** Entries as the server says them, for tests. */
export function entry(given: Partial<Entry> & { position: number }): Entry {
  return {
    id: `m-${String(given.position).padStart(7, "0")}`,
    kind: "text",
    author: "ann",
    side: "customer",
    author_name: "Ann",
    at: "2026-11-22T09:00:00Z",
    reply_to: null,
    gone: null,
    body: { text: String(given.position) },
    ...given,
  };
}

export function texts(count: number, from = 1): Entry[] {
  return Array.from({ length: count }, (_, i) => entry({ position: from + i }));
}
