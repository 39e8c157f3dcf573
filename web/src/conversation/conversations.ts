import { language } from "../i18n/language";
import { newId } from "../wire/ids";
import { toldServerTime } from "../wire/serverClock";
import { ofShop } from "../wire/shop";
import { Database, type Waiting } from "./database";
import { deviceName } from "./device";
import { empty, fold, foldMarks, type StreamState } from "./fold";
import type {
  ChatEntries,
  ChatHere,
  ChatInbox,
  ChatReset,
  ChatSaid,
  ChatTypingNews,
  ChatWelcome,
  EntryView,
  InboxRow,
  MarkView,
} from "./frames";
import { InboxCursor } from "./inboxCursor";
import { type Asked, Link, type LinkStatus } from "./link";
import { Outbox } from "./outbox";
import { Seen } from "./seen";
import { Streams } from "./streams";
import { Tabs } from "./tabs";
import { type Upload, uploadFile } from "./upload";

export type Me = { id: string; side: "customer" | "staff" };

/** What has changed; listeners read the rest from `Conversations`. */
export type Change =
  | { is: "status" | "waiting" }
  | { is: "stream" | "marks"; stream: string }
  | { is: "typing"; typing: ChatTypingNews }
  | { is: "here"; here: ChatHere }
  | { is: "inbox"; inbox: ChatInbox };

/** `seen`: the head that the writer has seen; without it the stream's. */
type WriteOptions = Partial<Pick<Waiting, "id" | "seen" | "force">> & { replyTo?: string | null; file?: Blob };

/** The conversations of one person in this tab: kept in the browser, open at once, caught up when there is a network. */
export class Conversations {
  status: LinkStatus = "connecting";
  /** The shop erased everything: that is why it ended. */
  isErased = false;
  /** Acknowledged, but not yet told in their stream. */
  kept: (Waiting & { position: number })[] = [];
  upload: Upload = uploadFile;
  readonly #marks = new Map<string, MarkView[]>();
  readonly #seen = new Seen((stream, delivered, read) => {
    if (this.status === "open") this.#link.post({ type: "chat.seen", stream, delivered, read });
    return this.status === "open";
  });
  readonly #fetching = new Set<string>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #streams: Streams;
  readonly #link: Link;
  readonly #outbox: Outbox;
  readonly #tabs: Tabs;
  #saving: Promise<unknown> = Promise.resolve();
  #epoch: string;
  #epochChanged = false;
  #started = false;

  private constructor(
    readonly me: Me,
    private readonly database: Database,
    epoch: string,
    private readonly atInbox: InboxCursor | null,
  ) {
    const page = { device: database.deviceId, tab: newId(), side: me.side };
    this.#epoch = epoch;
    this.#streams = new Streams(database, me.id, {
      opened: (state) => this.status === "open" && this.#askFor(state),
      changed: (stream) => this.#tell({ is: "stream", stream }),
      save: (job) => this.#save(job),
    });
    const scheme = globalThis.location?.protocol === "https:" ? "wss" : "ws";
    this.#link = new Link(`${scheme}://${globalThis.location?.host}${ofShop(`/ws/${me.side}/chat`)}`, page, {
      hello: () => ({
        device: page.device,
        tab: page.tab,
        epoch: this.#epoch,
        language: language.value,
        name: deviceName(globalThis.navigator?.userAgent ?? ""),
        cursors: this.#cursors(),
      }),
      welcome: (frame) => this.#welcome(frame),
      said: (frame) => this.#said(frame),
      carrier: (ready) => this.#outbox.carrier(ready),
      status: (status) => {
        this.status = status;
        this.isErased = this.#link.isErased;
        if (status === "ended" && me.side === "customer") void this.forget(false);
        this.#tell({ is: "status" });
      },
    });
    this.#outbox = new Outbox(database, {
      send: (frame, again) => this.#link.append(frame, again),
      changed: () => {
        this.#tabs.changed();
        this.#tell({ is: "waiting" });
      },
      looked: () => this.#tell({ is: "waiting" }),
      kept: (waiting, ack) => {
        if ((this.#streams.get(ack.stream)?.head ?? ack.position) < ack.position)
          this.kept = [...this.kept, { ...waiting, position: ack.position }];
      },
      upload: (waiting, file) => this.upload(waiting, file),
    });
    if (atInbox) {
      const { stream } = atInbox;
      atInbox.fetch = (after) => void this.#link.ask({ type: "chat.fetch", stream, after }).catch(() => undefined);
    }
    this.#tabs = new Tabs(database.deviceId, {
      lead: (leads) => this.#outbox.lead(leads),
      changed: () => void this.#outbox.load(),
    });
  }

  /** Everything is there that this browser kept; the network comes with `start`. `shop`: a member of staff's inbox. */
  static async open(me: Me, shopId: string | null = null, database?: Database): Promise<Conversations> {
    const kept = database ?? (await Database.open(me.side, me.id));
    const { position, digest } = await kept.inbox();
    const inbox = shopId === null ? null : new InboxCursor(`i.${shopId}`, position, digest);
    const made = new Conversations(me, kept, await kept.epoch(), inbox);
    await made.#outbox.load();
    return made;
  }

  /** False: what is written here does not outlive the page. */
  get lasts(): boolean {
    return this.database.lasts;
  }

  get deviceId(): string {
    return this.database.deviceId;
  }

  get waiting(): readonly Waiting[] {
    return this.#outbox.waiting;
  }

  /** Until what was written to the stream before is acknowledged or refused; at most `withinMs`. */
  async behind(stream: string, withinMs: number): Promise<void> {
    await this.#outbox.written();
    const waits = () => this.waiting.some((each) => each.stream === stream && !each.refused);
    if (!waits()) return;
    await new Promise<void>((done) => {
      const end = () => {
        clearTimeout(timer);
        stop();
        done();
      };
      const timer = setTimeout(end, withinMs);
      const stop = this.on((change) => {
        if (change.is === "waiting" && !waits()) end();
      });
    });
  }

  /** Once; a second call does nothing. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#tabs.start();
    this.#link.open();
  }

  close(): void {
    this.#seen.close();
    this.#tabs.close();
    this.#outbox.close();
    this.#link.close();
    this.#listeners.clear();
    void this.#saving.finally(() => this.database.close());
  }

  on(listen: (change: Change) => void): () => void {
    this.#listeners.add(listen);
    return () => this.#listeners.delete(listen);
  }

  state(stream: string): StreamState {
    return this.#streams.get(stream) ?? empty(stream);
  }

  marks(stream: string): readonly MarkView[] {
    return this.#marks.get(stream) ?? [];
  }

  /** What was kept of a stream, at once; what is missing comes as changes. */
  open(stream: string): Promise<StreamState> {
    return this.#streams.open(stream);
  }

  leave(stream: string): void {
    if (this.#streams.leave(stream)) this.#link.post({ type: "chat.leave", stream });
  }

  /** Kept in this browser when it resolves; then sent until the server has it. */
  write(stream: string, kind: string, body: Record<string, unknown>, options: WriteOptions = {}): Promise<string> {
    const { replyTo = null, seen = this.state(stream).head, force = false, id, file } = options;
    this.#tabs.takeLead();
    const draft = { stream, kind, body, reply_to: replyTo, seen, force };
    return this.#outbox.write({ ...draft, ...(id && { id }), ...(file && { file }) });
  }

  again(id: string, changes: { force?: boolean; seen?: number } = {}): Promise<void> {
    this.#tabs.takeLead();
    return this.#outbox.again(id, changes);
  }

  discard(id: string): Promise<void> {
    return this.#outbox.discard(id);
  }

  file(id: string): Promise<Blob | null> {
    return this.database.file(id);
  }

  /** How far this person has seen a stream; told to the server, and again after a lost connection. */
  seen(stream: string, delivered: number, read: number): void {
    this.#seen.note(stream, delivered, read);
  }

  typing(stream: string, isTyping: boolean): void {
    this.#link.post({ type: "chat.typing", stream, is_typing: isTyping });
  }

  /** Any other request; rejects with a Refusal. */
  ask(frame: Asked): Promise<ChatSaid> {
    return this.#link.ask(frame);
  }

  /** Loads what lies before the window. False: there is nothing before. */
  older(stream: string): Promise<boolean> {
    return this.#streams.older(stream);
  }

  /** Takes entries that follow each other into the window. False: they do not touch it. */
  join(stream: string, entries: readonly EntryView[]): boolean {
    return this.#streams.join(stream, entries);
  }

  /** Lets go of all but the newest entries on the page; they stay in the browser. */
  trim(stream: string): void {
    this.#streams.trim(stream);
  }

  /** This browser was signed out: nothing of what was said stays in it. `whole`: it is a new device from now on. */
  forget(whole: boolean): Promise<void> {
    this.#streams.clear();
    this.#save(() => this.database.forget(whole).then(() => this.#outbox.load()));
    return this.settled();
  }

  /** The server told by HTTP that this browser was signed out. */
  end(): void {
    this.#link.end();
  }

  /** What the server knows of this person has changed: say hello anew. */
  renew(): void {
    this.#link.renew();
  }

  /** A call's data channel carries the conversation, too, for as long as it is open. */
  lend(channel: RTCDataChannel): void {
    this.#link.lend(channel);
  }

  inbox(): Promise<{ rows: InboxRow[]; position: number }> {
    return this.database.inbox();
  }

  /** For tests: all that was begun is kept. */
  async settled(): Promise<void> {
    await this.#saving;
    await this.#outbox.settled();
  }

  #cursors() {
    const streams = this.#streams.all.map(({ stream, head, digest }) => ({ stream, position: head, digest }));
    if (!this.atInbox) return streams;
    const { stream, position, digest } = this.atInbox;
    return [...streams, { stream, position, digest }];
  }

  #welcome(frame: ChatWelcome): void {
    const { epoch } = frame;
    this.#epochChanged = Boolean(this.#epoch) && this.#epoch !== epoch;
    if (this.#epoch !== epoch) this.#save(() => this.database.setEpoch(epoch));
    this.#epoch = epoch;
    this.atInbox?.begin(frame.streams, this.#epochChanged);
    this.#outbox.taken = frame.expected;
    this.#fetching.clear();
    const open = new Set(frame.streams.map((head) => head.stream));
    for (const state of this.#streams.all) if (!open.has(state.stream)) this.#askFor(state);
    this.#seen.again();
    toldServerTime(frame.now);
  }

  #said(frame: ChatSaid): void {
    switch (frame.type) {
      case "chat.ack":
        return this.#outbox.acknowledged(frame);
      case "error":
        return void this.#outbox.refused(frame);
      case "chat.entries":
        return this.#entries(frame);
      case "chat.reset":
        return this.#reset(frame);
      case "chat.heads":
        for (const head of frame.heads) {
          this.atInbox?.compare(head);
          this.#compare(head.stream, head.head, head.digest);
        }
        return;
      case "chat.marks":
        this.#marks.set(frame.stream, foldMarks(this.marks(frame.stream), frame.marks));
        return this.#tell({ is: "marks", stream: frame.stream });
      case "chat.typing":
        return this.#tell({ is: "typing", typing: frame });
      case "chat.here":
        return this.#tell({ is: "here", here: frame });
      case "chat.inbox":
        if (!this.atInbox?.take(frame)) return;
        this.#save(() => this.database.keepInbox(frame));
        return this.#tell({ is: "inbox", inbox: frame });
    }
  }

  #entries(frame: ChatEntries): void {
    const { stream, entries, head } = frame;
    const state = this.#streams.get(stream);
    if (!state) return;
    this.#fetching.delete(stream);
    this.#outbox.arrived(new Set(entries.map((entry) => entry.id)));
    const next = fold(state, entries);
    const last = entries.at(-1)?.position ?? frame.after;
    if (last === next.head && next.digest !== frame.digest) return this.#forget(stream);
    this.kept = this.kept.filter((each) => each.stream !== stream || each.position > next.head);
    this.#streams.set(next);
    this.#save(async () => {
      const { reached, offered } = await this.database.apply(stream, entries, head, this.me.id);
      if (reached >= last) this.seen(stream, reached, 0);
      if (offered) await this.#outbox.load();
    });
    if (next.head < Math.max(last, head)) this.#fetch(stream);
  }

  #reset({ stream, after, digest }: ChatReset): void {
    const state = this.#streams.get(stream);
    if (!state) return;
    const offers = after <= state.head || this.#epochChanged;
    this.#streams.set(empty(stream, after, digest));
    this.#save(() => this.database.reset(stream, after, digest, offers));
  }

  /** Ours differs from the server's: read it from the beginning, or from where the server resets it to. */
  #forget(stream: string): void {
    this.#reset({ type: "chat.reset", stream, after: 0, digest: 0 });
    this.#fetch(stream);
  }

  #compare(stream: string, head: number, digest: number): void {
    const state = this.#streams.get(stream);
    if (!state) return;
    if (head > state.head) this.#fetch(stream);
    else if (head < state.head) this.#askFor(state);
    else if (digest !== state.digest) this.#forget(stream);
  }

  #fetch(stream: string): void {
    if (this.#fetching.has(stream)) return;
    this.#fetching.add(stream);
    const after = this.state(stream).head;
    this.#link.ask({ type: "chat.fetch", stream, after }).catch(() => this.#fetching.delete(stream));
  }

  #askFor({ stream, head, digest }: StreamState): void {
    this.#link.ask({ type: "chat.open", stream, position: head, digest }).catch(() => undefined);
  }

  /** One after the other; a browser that has no room left goes on with what the page holds. */
  #save(job: () => Promise<unknown>): void {
    this.#saving = this.#saving.then(job).catch(() => undefined);
  }

  #tell(change: Change): void {
    for (const listen of [...this.#listeners]) listen(change);
  }
}
