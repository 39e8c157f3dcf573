import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Conversations } from "../conversation/conversations";
import type { EntryView } from "../conversation/frames";

/** That a colleague has named this person in a note. */
export interface Mention {
  position: number;
  by: string;
  at: string;
  customer: string;
  /** Where the note is among the notes of this customer. */
  note: number;
}

/** The newest first. */
export interface Mentions {
  readonly list: ReadonlySignal<Mention[]>;
  /** Up to this position of the stream they were seen, on any device of this person. */
  readonly seen: ReadonlySignal<number>;
  readonly unseen: ReadonlySignal<number>;
  markSeen(): void;
}

export function mentionsOf(entries: readonly EntryView[]): Mention[] {
  return entries
    .filter((entry) => entry.kind === "mention")
    .map(({ position, author_name: by, at, body }) => {
      return { position, by, at, customer: String(body.conversation), note: Number(body.position) };
    })
    .reverse();
}

/** Before the conversations start: their stream is then part of the first hello. */
export async function openMentions(conversations: Conversations): Promise<Mentions> {
  const stream = `s.${conversations.me.id}`;
  const state = signal(await conversations.open(stream));
  const seen: Signal<number> = signal(0);
  const look = () => {
    const mark = conversations.marks(stream).find((each) => each.person_id === conversations.me.id);
    seen.value = Math.max(seen.peek(), mark?.read ?? 0);
  };
  conversations.on((change) => {
    if (change.is === "stream" && change.stream === stream) state.value = conversations.state(stream);
    else if (change.is === "marks" && change.stream === stream) look();
  });
  const list = computed(() => mentionsOf(state.value.entries));
  return {
    list,
    seen,
    unseen: computed(() => list.value.filter((one) => one.position > seen.value).length),
    markSeen() {
      const { head } = state.peek();
      seen.value = Math.max(seen.peek(), head);
      if (head) conversations.seen(stream, head, head);
    },
  };
}

/** Names that are being written after an `@` at the end of what stands before the caret; null when none is. */
export function naming(before: string): string | null {
  return /(?:^|[^A-Za-z0-9_])[@＠]([^\s@＠]*)$/.exec(before)?.[1] ?? null;
}

/** Of those who were picked, the ones whose name is still in the text. */
export function named<T extends { id: string; name: string }>(text: string, picked: readonly T[]): T[] {
  const still = picked.filter((one) => text.includes(`@${one.name}`));
  return [...new Map(still.map((one) => [one.id, one])).values()];
}
