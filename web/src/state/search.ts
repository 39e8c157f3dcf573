import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { EntryView } from "../conversation/frames";
import { http } from "../wire/http";
import { codeOf } from "../wire/refusal";

/** A message that was found: `match` stands between `before` and `after` in it. */
export interface Hit {
  conversation: string;
  name: string;
  stream: string;
  position: number;
  id: string;
  kind: EntryView["kind"];
  at: string;
  side: EntryView["side"];
  author_name: string;
  before: string;
  match: string;
  after: string;
}

interface Page {
  hits: Hit[];
  before: number | null;
}

export interface SearchState {
  readonly words: ReadonlySignal<string>;
  /** Null until something was looked for. */
  readonly hits: ReadonlySignal<Hit[] | null>;
  readonly hasMore: ReadonlySignal<boolean>;
  readonly isBusy: ReadonlySignal<boolean>;
  /** An error code. */
  readonly fault: ReadonlySignal<string | null>;
  look(words: string): void;
  more(): void;
  close(): void;
}

const PAUSE_MS = 180; // while one types, not every letter asks

/** Looks in one conversation, or (null) in all of the shop's. */
export function openSearch(conversation: string | null): SearchState {
  const words = signal("");
  const hits = signal<Hit[] | null>(null);
  const before = signal<number | null>(null);
  const isBusy = signal(false);
  const fault = signal<string | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;

  async function read(from: number | null): Promise<void> {
    const mine = ++asked;
    const query = new URLSearchParams({ q: words.peek().trim() });
    if (conversation) query.set("conversation", conversation);
    if (from !== null) query.set("before", String(from));
    isBusy.value = true;
    fault.value = null;
    try {
      const page = await http<Page>(`/api/search?${query}`);
      if (mine !== asked) return; // something else is being looked for by now
      hits.value = from === null ? page.hits : [...(hits.peek() ?? []), ...page.hits];
      before.value = page.before;
    } catch (error) {
      if (mine === asked) fault.value = codeOf(error);
    } finally {
      if (mine === asked) isBusy.value = false;
    }
  }

  return {
    words,
    hits,
    hasMore: computed(() => before.value !== null),
    isBusy,
    fault,
    look(said) {
      words.value = said;
      clearTimeout(timer);
      asked++;
      isBusy.value = false;
      if (said.trim()) timer = setTimeout(() => void read(null), PAUSE_MS);
      else hits.value = null;
    },
    more() {
      if (before.peek() !== null && !isBusy.peek()) void read(before.peek());
    },
    close() {
      clearTimeout(timer);
      asked++;
    },
  };
}
