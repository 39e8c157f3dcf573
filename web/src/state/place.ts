import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { Conversations } from "../conversation/conversations";
import { told } from "../conversation/fold";
import type { EntryView } from "../conversation/frames";
import { http } from "../wire/http";

/** Entries that follow each other, all above `floor`. */
interface Span {
  floor: number;
  entries: readonly EntryView[];
}

/** Where in a conversation one looks: at its end, as ever, or at a part far from it that is read from the server. */
export interface Place {
  /** Null: the end, which `Conversations` keeps up. */
  readonly span: ReadonlySignal<Span | null>;
  readonly hasNewer: ReadonlySignal<boolean>;
  /** Brings this position onto the page; rejects with a Refusal. False: one went elsewhere meanwhile. */
  go(position: number): Promise<boolean>;
  older(): Promise<void>;
  newer(): Promise<void>;
  /** Back to the end. */
  leave(): void;
  /** Something new was told: what it does to those before it, it does here, too. */
  heard(entry: EntryView): void;
}

const AROUND = 30;
const PAGE = 60;
const NEAR = 300; // positions above the window: everything between is read, and stays

export function openPlace(conversations: Conversations, stream: string): Place {
  const span = signal<Span | null>(null);
  let reading = false;
  let ways = 0;

  async function read(query: string): Promise<readonly EntryView[]> {
    return (await http<{ entries: EntryView[] }>(`/api/streams/${stream}/entries?${query}&limit=${PAGE}`)).entries;
  }

  async function go(position: number): Promise<boolean> {
    const way = ++ways;
    const floor = () => conversations.state(stream).floor;
    const { head } = await conversations.open(stream);
    if (position <= head && floor() - position < NEAR) {
      while (way === ways && position <= floor() && (await conversations.older(stream)));
      if (way === ways) span.value = null;
      return way === ways;
    }
    const after = Math.max(position - AROUND, 0);
    const entries = await read(`after=${after}`);
    if (way === ways) span.value = { floor: after, entries };
    return way === ways;
  }

  /** One read at a time; `add` says what the answer makes of the span that stands then. */
  async function extend(query: string, add: (now: Span, more: readonly EntryView[]) => Span | null): Promise<void> {
    if (reading) return;
    reading = true;
    try {
      const more = await read(query);
      if (span.peek()) span.value = add(span.peek() as Span, more);
    } finally {
      reading = false;
    }
  }

  async function older(): Promise<void> {
    const now = span.peek();
    if (!now || now.floor === 0) return;
    await extend(`before=${now.floor + 1}`, ({ floor, entries }, more) =>
      more.at(-1)?.position === floor
        ? { floor: floor - more.length, entries: [...more, ...entries] }
        : { floor, entries },
    );
  }

  async function newer(): Promise<void> {
    const now = span.peek();
    const last = now?.entries.at(-1)?.position;
    if (!now || last === undefined) return;
    await extend(`after=${last}`, ({ floor, entries }, more) => {
      const follows = more[0]?.position === (entries.at(-1)?.position ?? 0) + 1; // it may be another span by now
      const all = follows ? [...entries, ...more] : entries;
      return conversations.join(stream, all) ? null : { floor, entries: all };
    });
  }

  return {
    span,
    hasNewer: computed(() => span.value !== null),
    go,
    older,
    newer,
    leave() {
      ways += 1;
      span.value = null;
    },
    heard(entry) {
      const now = span.peek();
      if (!now) return;
      if (entry.kind === "erased") span.value = null;
      else if (entry.kind === "recall") span.value = { ...now, entries: told([...now.entries], entry) };
    },
  };
}
