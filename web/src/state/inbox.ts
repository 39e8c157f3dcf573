import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { Conversations } from "../conversation/conversations";
import type { ChatTypingNews, InboxRow } from "../conversation/frames";
import type { LinkStatus } from "../conversation/link";
import { http } from "../wire/http";
import { newId } from "../wire/ids";
import { type ClosedShelf, openClosedShelf } from "./closedShelf";
import { type Colleagues, openColleagues } from "./colleagues";
import { openTalk, type Talk } from "./conversation";
import { type Mentions, openMentions } from "./mentions";
import { openQuickReplies, type QuickReplies } from "./quickReplies";
import type { SignedIn } from "./staffDoor";

export const SHELVES = ["all", "mine", "unassigned", "waiting", "snoozed", "closed"] as const;
export type Shelf = (typeof SHELVES)[number];

/** The shop's inbox, the same on all of its devices. */
export interface Inbox {
  readonly me: SignedIn;
  /** Null until the browser's own copy is read. */
  readonly conversations: Signal<Conversations | null>;
  readonly status: Signal<LinkStatus>;
  readonly rows: ReadonlySignal<Record<string, InboxRow>>;
  readonly shelf: Signal<Shelf>;
  /** The rows of the chosen shelf: who waits longest comes first. */
  readonly shown: ReadonlySignal<InboxRow[]>;
  /** Those closed long ago. */
  readonly closed: ClosedShelf;
  readonly counts: ReadonlySignal<Record<Shelf, number>>;
  /** How many conversations hold words of a customer that this person has not read. */
  readonly unread: ReadonlySignal<number>;
  readonly replies: QuickReplies;
  readonly colleagues: Colleagues;
  /** Null until the browser's own copy is read. */
  readonly mentions: ReadonlySignal<Mentions | null>;
  /** The note that is to be shown next. */
  readonly noteAt: Signal<{ customer: string; position: number } | null>;
  /** How many conversations this person has, those put off as well. */
  readonly held: ReadonlySignal<number>;
  /** Customers who have the conversation open now. */
  readonly here: ReadonlySignal<ReadonlySet<string>>;
  /** Colleagues who write an answer right now, by customer. */
  readonly answering: ReadonlySignal<Record<string, string>>;
  isUnread(row: InboxRow): boolean;
  choose(shelf: Shelf): void;
  /** Asks a customer to a video call; who comes within two minutes is answered by this page, and who waits in line already at
   * once. Rejects with a Refusal. */
  ring(customer: string): Promise<void>;
  /** True once for a customer whom this page has asked. */
  expects(customer: string): boolean;
  /** Sees to it that there is a row of this customer, also when the conversation was closed long ago. */
  know(customer: string): Promise<void>;
  /** The conversation with this customer; the same one until another is opened at this place. */
  talk(customer: string, at?: "page" | "call"): Talk | null;
  /** Once; a second call does nothing. */
  start(): void;
  close(): void;
}

const COMES_WITHIN_MS = 120_000;
const ANSWERING_FOR_MS = 15_000; // told again every 10 s

export function belongs(row: InboxRow, shelf: Shelf, me: string): boolean {
  if (shelf === "snoozed" || shelf === "closed") return row.state === shelf;
  if (row.state !== "open") return false;
  if (shelf === "waiting") return row.waiting_since !== null;
  return shelf === "all" || (shelf === "mine" ? row.assignee === me : row.assignee === null);
}

/** Who waits longest comes first; then what was said last. */
export function inOrder(rows: readonly InboxRow[]): InboxRow[] {
  return [...rows].sort((a, b) => {
    if (a.waiting_since && b.waiting_since) return Date.parse(a.waiting_since) - Date.parse(b.waiting_since);
    if (a.waiting_since || b.waiting_since) return a.waiting_since ? -1 : 1;
    return Date.parse(b.last_at) - Date.parse(a.last_at);
  });
}

/** `answer`: answers who waits in line; false when this customer does not. */
export function openInbox(me: SignedIn, answer: (customer: string) => boolean): Inbox {
  const conversations = signal<Conversations | null>(null);
  const status = signal<LinkStatus>("connecting");
  const rows = signal<Record<string, InboxRow>>({});
  const shelf = signal<Shelf>("all");
  const read = signal<Record<string, number>>({});
  const mentions = signal<Mentions | null>(null);
  const here = signal<ReadonlySet<string>>(new Set());
  const talks: { page?: Talk; call?: Talk } = {};
  const answering = signal<Record<string, string>>({});
  const quiet = new Map<string, ReturnType<typeof setTimeout>>();
  const rang = new Map<string, number>();
  let started = false;
  let closed = false;

  const isUnread = (row: InboxRow): boolean => row.customer_head > (read.value[row.conversation] ?? 0);
  const all = computed(() => Object.values(rows.value));
  const counts = computed(() => {
    const count = (name: Shelf) => all.value.filter((row) => belongs(row, name, me.staff.id)).length;
    return Object.fromEntries(SHELVES.map((name) => [name, count(name)])) as Record<Shelf, number>;
  });

  function keep(fresh: readonly InboxRow[]): void {
    const known = rows.peek();
    const newer = fresh.filter((row) => (known[row.conversation]?.position ?? -1) < row.position);
    if (newer.length) rows.value = { ...known, ...Object.fromEntries(newer.map((row) => [row.conversation, row])) };
  }
  const closedShelf = openClosedShelf(keep);

  /** How far this person has read a conversation, from its marks. */
  function look(stream: string): void {
    const mine = conversations
      .peek()
      ?.marks(stream)
      .find((mark) => mark.person_id === me.staff.id);
    const customer = stream.slice(2);
    if (mine && mine.read > (read.peek()[customer] ?? 0)) read.value = { ...read.peek(), [customer]: mine.read };
  }

  function hear({ stream, who, side, is_typing }: ChatTypingNews): void {
    if (side !== "staff") return;
    const customer = stream.slice(2);
    const { [customer]: _, ...others } = answering.peek();
    clearTimeout(quiet.get(customer));
    answering.value = is_typing ? { ...others, [customer]: who } : others;
    const over = { stream, who, side, is_typing: false, type: "chat.typing" } as const;
    if (is_typing) quiet.set(customer, setTimeout(hear, ANSWERING_FOR_MS, over));
  }

  async function begin(): Promise<void> {
    const made = await Conversations.open({ id: me.staff.id, side: "staff" }, me.shop.id);
    const kept = await made.inbox();
    const named = await openMentions(made);
    if (closed) return made.close();
    mentions.value = named;
    made.on((change) => {
      if (change.is === "status") status.value = made.status;
      else if (change.is === "marks" && change.stream.startsWith("c.")) look(change.stream);
      else if (change.is === "typing") hear(change.typing);
      else if (change.is === "here") {
        const { conversation, is_here } = change.here;
        const others = [...here.value].filter((id) => id !== conversation);
        here.value = new Set(is_here ? [...others, conversation] : others);
      } else if (change.is === "inbox") {
        if (change.inbox.is_whole) {
          rows.value = {};
          closedShelf.restart();
          if (shelf.peek() === "closed") void closedShelf.more();
        }
        keep(change.inbox.rows);
      }
    });
    batch(() => {
      rows.value = Object.fromEntries(kept.rows.map((row) => [row.conversation, row]));
      conversations.value = made;
    });
    made.start();
  }

  return {
    me,
    conversations,
    status,
    rows,
    shelf,
    shown: computed(() => {
      const here = all.value.filter((row) => belongs(row, shelf.value, me.staff.id));
      return shelf.value === "closed" ? here.sort((a, b) => b.position - a.position) : inOrder(here);
    }),
    closed: closedShelf,
    replies: openQuickReplies(),
    colleagues: openColleagues(me.staff.id),
    mentions,
    noteAt: signal(null),
    held: computed(() => all.value.filter((row) => row.state !== "closed" && row.assignee === me.staff.id).length),
    counts,
    unread: computed(() => all.value.filter((row) => row.state === "open" && isUnread(row)).length),
    here,
    answering,
    isUnread,
    choose(next) {
      shelf.value = next;
      if (next === "closed") void closedShelf.more();
    },
    async ring(customer) {
      if (answer(customer)) return;
      await conversations.peek()?.ask({ type: "chat.ring", id: newId(), conversation: customer });
      rang.set(customer, Date.now() + COMES_WITHIN_MS);
    },
    expects(customer) {
      const until = rang.get(customer) ?? 0;
      rang.delete(customer);
      return Date.now() < until;
    },
    async know(customer) {
      if (!rows.peek()[customer]) keep([await http<InboxRow>(`/api/inbox/${customer}`)]);
    },
    talk(customer, at = "page") {
      const made = conversations.value;
      if (!made) return null;
      const stream = `c.${customer}`;
      const before = talks[at];
      if (before?.stream === stream) return before;
      const elsewhere = talks[at === "page" ? "call" : "page"];
      if (before && before !== elsewhere) {
        before.close();
        made.leave(before.stream);
      }
      const talk = elsewhere?.stream === stream ? elsewhere : openTalk(made, stream);
      talks[at] = talk;
      return talk;
    },
    start() {
      if (!started) void begin();
      started = true;
    },
    close() {
      closed = true;
      talks.page?.close();
      talks.call?.close();
      conversations.peek()?.close();
    },
  };
}
