import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { visible } from "../conversation/blank";
import type { Change, Conversations, Me } from "../conversation/conversations";
import type { Waiting } from "../conversation/database";
import type { EntryView } from "../conversation/frames";
import { parts } from "../conversation/parts";
import { codeOf } from "../wire/refusal";
import { openPlace, type Place } from "./place";

export type LineKind = EntryView["kind"];

/** One thing of a conversation as a page shows it. */
export interface TalkLine {
  id: string;
  kind: LineKind;
  body: Record<string, unknown>;
  at: string;
  /** 0 while the server has not said where it is. */
  position: number;
  side: EntryView["side"];
  author: string;
  authorName: string;
  /** Written by this person, and by this person's side. */
  mine: boolean;
  ours: boolean;
  gone: EntryView["gone"];
  replyTo: string | null;
  /** Of our own words only. */
  state: "waiting" | "refused" | "sent" | "delivered" | "read";
  /** Why it was refused, as an error code. */
  code: string | null;
  /** Its file is still in this browser. */
  uploads: boolean;
}

/** One conversation, drawn by the pages of both sides. */
export interface Talk {
  readonly stream: string;
  readonly conversations: Conversations;
  /** Null until the browser's own copy is read. */
  readonly lines: ReadonlySignal<TalkLine[] | null>;
  readonly head: ReadonlySignal<number>;
  /** How many words of the other side this person has not read; for staff, answers to bookings, too. */
  readonly unread: ReadonlySignal<number>;
  readonly hasOlder: ReadonlySignal<boolean>;
  readonly loadingOlder: Signal<boolean>;
  /** Who writes right now, by name. */
  readonly typing: ReadonlySignal<string[]>;
  readonly draft: Signal<string>;
  readonly replyingTo: Signal<TalkLine | null>;
  /** What was new when the page was opened begins after this position; null: nothing was. */
  readonly newAfter: Signal<number | null>;
  /** Where one looks; elsewhere than at the end after `show`. */
  readonly place: Place;
  /** What was looked for and chosen: it is drawn marked. */
  readonly target: Signal<Target | null>;
  /** Rejects with a Refusal. */
  show(target: Target): Promise<void>;
  line(id: string): TalkLine | undefined;
  send(): void;
  /** Both reject when this browser could not keep it: then it is not sent either. */
  sendFile(kind: LineKind, file: Blob, body: Record<string, unknown>): Promise<void>;
  write(kind: LineKind, body: Record<string, unknown>): Promise<void>;
  edited(text: string): void;
  /** The field is left, whatever is written in it: nobody answers any more. */
  leaveField(): void;
  recall(line: TalkLine): void;
  again(line: TalkLine): void;
  discard(line: TalkLine): void;
  /** Takes a refused text back into the field. */
  rewrite(line: TalkLine): void;
  /** The newest is on the screen: it is read. */
  markRead(): void;
  older(): Promise<void>;
  /** Lets go of what was scrolled past. */
  trim(): void;
  close(): void;
}

/** An entry that a search found, and its words that were looked for. */
export interface Target {
  id: string;
  position: number;
  match: string;
}

/** Words of people, as opposed to what happened. */
export const WORDS = new Set<LineKind>(["text", "image", "voice", "video", "file"]);
export const RECALL_MS = 120_000;
export const RING_FOR_MS = 60_000;
const HIDDEN = new Set<LineKind>(["recall", "rung"]);
const TYPING_AGAIN_MS = 3000;
const TYPING_FOR_MS = 6000;
const CAUGHT_UP_MS = 2000;
const DRAFT = "loupe.draft.";

export function openTalk(conversations: Conversations, stream: string): Talk {
  const { me } = conversations;
  const state = signal(conversations.state(stream));
  const opened = signal(false);
  const waiting = signal<readonly Waiting[]>([]);
  const kept = signal<readonly (Waiting & { position: number })[]>([]);
  const marks = signal(conversations.marks(stream));
  const writers = signal<Record<string, number>>({});
  const loadingOlder = signal(false);
  const draft = signal(recallDraft(stream));
  const replyingTo = signal<TalkLine | null>(null);
  const newAfter = signal<number | null>(null);
  const place = openPlace(conversations, stream);
  const target = signal<Target | null>(null);
  let sought: Target | null = null; // on the way to it: what is loaded meanwhile stays
  let found = false;
  const leaving = new Set<string[]>(); // sent, and not yet kept in this browser
  let toldTyping = 0;
  let typingTimer: ReturnType<typeof setTimeout> | undefined;

  const reached = computed(() => {
    const theirs = marks.value.filter((mark) => (mark.side === "staff") !== (me.side === "staff"));
    return {
      delivered: Math.max(0, ...theirs.map((mark) => mark.delivered)),
      read: Math.max(0, ...theirs.map((mark) => mark.read)),
    };
  });

  const lines = computed<TalkLine[] | null>(() => {
    if (!opened.value) return null;
    const elsewhere = place.span.value;
    const { entries } = elsewhere ?? state.value;
    const { delivered, read } = reached.value;
    const latest = new Map<unknown, string>();
    for (const entry of entries) if (entry.kind === "booking") latest.set(bookingId(entry), entry.id);
    const rung = rungBy(entries);
    const shown = entries
      .filter((entry) => !HIDDEN.has(entry.kind) && entry.gone !== "erased")
      .filter((entry) => entry.kind !== "booking" || latest.get(bookingId(entry)) === entry.id)
      .map((entry): TalkLine => {
        const at = entry.position <= read ? "read" : entry.position <= delivered ? "delivered" : "sent";
        const line = lineOf(entry, me, at);
        if (entry.kind === "ring") line.body = { ...line.body, answer: rung.get(entry.id) ?? null };
        return line;
      });
    const here = new Set(entries.map((entry) => entry.id));
    const unsettled = elsewhere
      ? []
      : [
          ...kept.value.map((each) => ownLine(each, "sent", each.position)),
          ...waiting.value.map((each) => ownLine(each, each.refused ? "refused" : "waiting", 0)),
        ];
    return [...shown, ...unsettled.filter((line) => !here.has(line.id) && !HIDDEN.has(line.kind))];
  });

  const unread = computed(() => {
    const mine = marks.value.find((mark) => mark.person_id === me.id)?.read ?? 0;
    const theirs = me.side === "staff" ? "customer" : "staff";
    const counts = (kind: LineKind) => WORDS.has(kind) || (kind === "booking" && me.side === "staff");
    return state.value.entries.filter((each) => each.side === theirs && each.position > mine && counts(each.kind))
      .length;
  });

  function ownLine(each: Waiting, at: TalkLine["state"], position: number): TalkLine {
    const { id, body, reply_to, refused, uploads } = each;
    const whose = { side: me.side, author: me.id, authorName: "", mine: true, ours: true };
    const rest = { id, body, position, gone: null, replyTo: reply_to, state: at, code: refused, uploads };
    return { ...rest, ...whose, at: each.at, kind: each.kind as LineKind };
  }

  const look = (): void => {
    const mine = (each: Waiting) => each.stream === stream;
    waiting.value = conversations.waiting.filter(mine);
    kept.value = conversations.kept.filter(mine);
  };

  const stop = conversations.on((change: Change) => {
    if (change.is === "waiting") look();
    else if (change.is === "stream" && change.stream === stream) {
      const { entries } = conversations.state(stream);
      for (const fresh of entries.filter((entry) => entry.position > state.value.head)) {
        quiet(fresh.author_name);
        place.heard(fresh);
      }
      state.value = conversations.state(stream);
      look();
    } else if (change.is === "marks" && change.stream === stream) {
      marks.value = conversations.marks(stream);
      findNew();
    } else if (change.is === "typing" && change.typing.stream === stream) {
      const { who, is_typing } = change.typing;
      if (!is_typing) quiet(who);
      else writers.value = { ...writers.value, [who]: Date.now() };
      clearTimeout(typingTimer);
      typingTimer = setTimeout(() => {
        writers.value = {};
      }, TYPING_FOR_MS);
    }
  });

  void conversations.open(stream).then((kept) => {
    state.value = kept;
    look();
    opened.value = true;
    findNew();
  });

  /** Where the new words begin for who opens this conversation now; what comes while it is open is not new. */
  function findNew(): void {
    const mine = marks.value.find((mark) => mark.person_id === me.id);
    if (found || !mine?.read || !opened.value) return;
    found = true;
    newAfter.value = mine.read;
    setTimeout(() => {
      const isNew = (each: EntryView) => each.side !== me.side && each.position > mine.read;
      if (!state.value.entries.some(isNew)) newAfter.value = null;
    }, CAUGHT_UP_MS);
  }

  function quiet(who: string): void {
    const { [who]: _, ...rest } = writers.value;
    writers.value = rest;
  }

  function edited(text: string): void {
    draft.value = text;
    keepText();
    const now = Date.now();
    const typing = visible(text) !== "";
    if (typing && now - toldTyping < TYPING_AGAIN_MS) return;
    if (!typing && !toldTyping) return;
    toldTyping = typing ? now : 0;
    conversations.typing(stream, typing);
  }

  /** A page that goes away before a sent text is kept finds it in the field again. */
  function keepText(): void {
    keepDraft(stream, [...[...leaving].flat(), draft.value].filter(Boolean).join("\n"));
  }

  function leaveField(): void {
    if (toldTyping) conversations.typing(stream, false);
    toldTyping = 0;
  }

  async function leave(texts: string[]): Promise<void> {
    leaving.add(texts);
    try {
      for (; texts[0]; texts.shift()) await write("text", { text: texts[0] });
    } catch {
      draft.value = [...texts, draft.value].filter(Boolean).join("\n");
    }
    leaving.delete(texts);
    keepText();
  }

  async function write(kind: LineKind, body: Record<string, unknown>, file?: Blob): Promise<void> {
    const replyTo = replyingTo.value?.id ?? null;
    replyingTo.value = null;
    newAfter.value = null;
    target.value = null;
    place.leave();
    await conversations.write(stream, kind, body, { replyTo, ...(file && { file }) });
  }

  return {
    stream,
    conversations,
    lines,
    head: computed(() => state.value.head),
    unread,
    hasOlder: computed(() => {
      const { floor, entries } = place.span.value ?? state.value;
      return floor > 0 && entries[0]?.gone !== "erased";
    }),
    place,
    target,
    async show(wanted) {
      sought = wanted;
      target.value = null;
      try {
        if (await place.go(wanted.position)) target.value = wanted;
      } finally {
        if (sought === wanted) sought = null;
      }
    },
    loadingOlder,
    typing: computed(() => Object.keys(writers.value)),
    draft,
    replyingTo,
    newAfter,
    line: (id) => lines.peek()?.find((line) => line.id === id),
    send() {
      const text = visible(draft.value);
      if (!text) return;
      void leave(parts(text));
      edited("");
    },
    sendFile: (kind, file, body) => write(kind, body, file),
    write,
    edited,
    leaveField,
    recall: (line) => void conversations.write(stream, "recall", { target: line.id }),
    again: (line) => void conversations.again(line.id, { force: true, seen: state.value.head }),
    discard: (line) => void conversations.discard(line.id),
    rewrite(line) {
      edited([String(line.body.text ?? ""), draft.value].filter(Boolean).join("\n"));
      void conversations.discard(line.id);
    },
    markRead() {
      const { head } = state.value;
      if (!opened.value || place.span.value || !head || document.visibilityState !== "visible") return;
      conversations.seen(stream, head, head);
    },
    async older() {
      if (loadingOlder.value) return;
      loadingOlder.value = true;
      try {
        if (place.span.peek()) await place.older();
        else await conversations.older(stream);
      } catch (error) {
        if (codeOf(error) === "unknown") throw error; // without a network the next scroll asks again
      } finally {
        loadingOlder.value = false;
      }
    },
    trim: () => !target.peek() && !sought && conversations.trim(stream),
    close() {
      stop();
      clearTimeout(typingTimer);
      leaveField();
    },
  };
}

/** An entry as `me` sees it. */
export function lineOf(entry: EntryView, me: Me, state: TalkLine["state"] = "sent"): TalkLine {
  const { reply_to, author_name, ...rest } = entry;
  const own = { mine: entry.author === me.id, ours: entry.side === me.side };
  return { ...rest, ...own, authorName: author_name, replyTo: reply_to, state, code: null, uploads: false };
}

/** What became of each ring. */
export function rungBy(entries: readonly EntryView[]): Map<unknown, unknown> {
  const rung = entries.filter((entry) => entry.kind === "rung");
  return new Map(rung.map((entry) => [entry.body.ring, entry.body.answer]));
}

/** The last ring that nobody has answered yet; `now` is the server's. */
export function ringing(entries: readonly EntryView[], now: number): EntryView | null {
  const last = entries.findLast((entry) => entry.kind === "ring");
  if (!last || now - Date.parse(last.at) >= RING_FOR_MS || rungBy(entries).has(last.id)) return null;
  return last;
}

function bookingId(entry: EntryView): unknown {
  return (entry.body.booking as { id?: string } | undefined)?.id ?? entry.id;
}

function recallDraft(stream: string): string {
  try {
    return localStorage.getItem(DRAFT + stream) ?? "";
  } catch {
    return "";
  }
}

function keepDraft(stream: string, text: string): void {
  try {
    if (text) localStorage.setItem(DRAFT + stream, text);
    else localStorage.removeItem(DRAFT + stream);
  } catch {
    // a private window: it holds for this page
  }
}
