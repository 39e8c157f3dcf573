import { codeOf, Refusal } from "../wire/refusal";
import { serverNow } from "../wire/serverClock";
import type { Database, Draft, Waiting } from "./database";
import type { ChatAck, ChatAppend, ErrorFrame } from "./frames";
import { cancelUpload, type Upload } from "./upload";

const IN_FLIGHT = 20;
const AGAIN_AFTER_MS = 3000;
const BUSY_WAIT_MS = 1000;
const TRANSIENT = new Set(["unavailable", "rate_limited", "no_answer"]);

type Append = Omit<ChatAppend, "ref">;

interface Hooks {
  /** Sends on the best carrier; answers with the frame's ref, or null when there is none. `again`: nobody answered it. */
  send(frame: Append, again: boolean): string | null;
  /** `waiting` was changed here: other tabs must look, too. */
  changed(): void;
  /** `waiting` was read anew. */
  looked(): void;
  kept(waiting: Waiting, ack: ChatAck): void;
  /** Uploads the file of an entry. */
  upload: Upload;
}

/** Sends what was written, in its order, until the server acknowledged it. Ids never change, numbers do: the server says
 * which one it expects, and then all that wait are numbered anew. */
export class Outbox {
  waiting: Waiting[] = [];
  /** The number that the server expected at the last welcome. What waits below it was kept and its answer lost, or this
   * browser forgot what it wrote last: it goes first, and the rest when it is answered. Else the rest might overtake it. */
  taken = 0;
  readonly #flight = new Map<string, Waiting>();
  #ready = false;
  #leads = false;
  readonly #unanswered = new Set<string>();
  #halted = false; // something was refused: what is in flight is answered first, then all is sent again
  #from: number | null = null; // the number that the server expects, if it is not ours
  #resting = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #working: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly hooks: Hooks,
  ) {}

  /** Reads what waits: at the start, and when another tab says so. */
  load(): Promise<void> {
    return this.#work(() => this.#reload());
  }

  write(draft: Draft): Promise<string> {
    return this.#work(async () => {
      const waiting = await this.database.write(draft, new Date(serverNow()).toISOString());
      this.waiting = [...this.waiting, waiting];
      this.hooks.changed();
      this.#pump();
      return waiting.id;
    });
  }

  /** When all that was written so far is in `waiting`. */
  written(): Promise<unknown> {
    return this.#working;
  }

  /** Sends a refused one after all. */
  again(id: string, changes: Partial<Pick<Waiting, "force" | "seen">> = {}): Promise<void> {
    return this.#work(() => this.database.again(id, changes).then(() => this.#reload(true)));
  }

  discard(id: string): Promise<void> {
    cancelUpload(id);
    return this.#work(() => this.database.remove(id).then(() => this.#reload(true)));
  }

  /** A carrier is there (or a better one): everything goes out on it from the oldest on. False: none is left. */
  carrier(ready: boolean): void {
    this.#ready = ready;
    this.#flight.clear();
    this.#unanswered.clear();
    this.#halted = false;
    this.#from = null;
    this.#pump();
  }

  /** Only one tab of a browser sends. */
  lead(leads: boolean): void {
    this.#leads = leads;
    this.#flight.clear();
    if (leads) void this.load(); // another tab may have sent some of it
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#ready = false;
  }

  /** The stream brought it: it is kept, whether its answer came or not. */
  arrived(ids: ReadonlySet<string>): void {
    for (const [ref, waiting] of this.#flight) if (ids.has(waiting.id)) this.#flight.delete(ref);
    const left = this.waiting.filter((waiting) => !ids.has(waiting.id));
    if (left.length === this.waiting.length) return;
    this.waiting = left;
    this.hooks.changed();
    this.#settle();
  }

  acknowledged(ack: ChatAck): void {
    const waiting = this.waiting.find((each) => each.id === ack.id);
    this.#flight.delete(ack.ref);
    if (waiting) {
      this.waiting = this.waiting.filter((each) => each.id !== ack.id);
      void this.#work(() => this.database.remove(ack.id));
      this.hooks.kept(waiting, ack);
      this.hooks.changed();
    }
    this.#settle();
  }

  /** True when this answers an append. */
  refused(error: ErrorFrame): boolean {
    const waiting = error.ref ? this.#flight.get(error.ref) : undefined;
    if (!waiting || !error.ref) return false;
    this.#flight.delete(error.ref);
    this.#halted = true;
    if (error.expected !== null) this.#from = error.expected;
    else if (TRANSIENT.has(error.code))
      this.#resting = Math.max(this.#resting, error.retry_after_s ? error.retry_after_s * 1000 : BUSY_WAIT_MS);
    else {
      this.#from = waiting.n;
      this.waiting = this.waiting.map((each) =>
        each.id === waiting.id ? { ...each, n: 0, refused: error.code } : each,
      );
      void this.#work(() => this.database.refuse(waiting.id, error.code));
      this.hooks.changed();
    }
    this.#settle();
    return true;
  }

  #settle(): void {
    if (this.#halted && this.#flight.size === 0) {
      const [from, rest] = [this.#from, this.#resting];
      this.#from = null;
      this.#resting = 0;
      const go = () => {
        this.#halted = false;
        this.#pump();
      };
      void this.#work(async () => {
        if (from !== null) await this.database.renumber(from);
        this.waiting = await this.database.waiting();
        if (rest) setTimeout(go, rest);
        else go();
      }).catch(() => setTimeout(go, BUSY_WAIT_MS)); // the server says again which one it expects
    } else this.#pump();
  }

  #pump(): void {
    clearTimeout(this.#timer);
    if (!this.#ready || !this.#leads || this.#halted) return;
    this.#upload();
    const sent = new Set([...this.#flight.values()].map((waiting) => waiting.id));
    const numbered = this.waiting.filter((waiting) => waiting.n > 0).sort((a, b) => a.n - b.n);
    const doubted = numbered.filter((waiting) => waiting.n < this.taken);
    const next = (doubted.length ? doubted : numbered).filter((waiting) => !sent.has(waiting.id));
    for (const waiting of next) {
      if (this.#flight.size >= IN_FLIGHT) break;
      const { n, id, stream, kind, body, reply_to, seen, force } = waiting;
      const frame = { type: "chat.append", n, id, stream, kind, body, reply_to, seen, force } as Append;
      const ref = this.hooks.send(frame, this.#unanswered.has(id));
      if (ref === null) break;
      this.#flight.set(ref, waiting);
    }
    if (this.#flight.size) this.#timer = setTimeout(() => this.#sendAgain(), AGAIN_AFTER_MS);
  }

  #sendAgain(): void {
    for (const { id } of this.#flight.values()) this.#unanswered.add(id);
    this.#flight.clear();
    this.#halted = false;
    this.#pump();
  }

  readonly #uploading = new Set<string>();
  #upload(): void {
    for (const waiting of this.waiting.filter((each) => each.uploads && !each.refused)) {
      if (this.#uploading.has(waiting.id)) continue;
      this.#uploading.add(waiting.id);
      void this.#uploadOne(waiting);
    }
  }

  async #uploadOne(waiting: Waiting): Promise<void> {
    let rest = 0;
    try {
      const file = await this.database.file(waiting.id);
      if (!file) throw new Refusal("not_ready", "The file is not in this browser any more.");
      const changes = await this.hooks.upload(waiting, file);
      await this.#work(() => this.database.uploaded(waiting.id, changes));
    } catch (error) {
      const code = codeOf(error);
      if (code === "offline" || TRANSIENT.has(code)) rest = AGAIN_AFTER_MS;
      else await this.#work(() => this.database.refuse(waiting.id, code));
    }
    setTimeout(() => {
      this.#uploading.delete(waiting.id);
      void this.#work(() => this.#reload(true));
    }, rest);
  }

  async #reload(changed = false): Promise<void> {
    this.waiting = await this.database.waiting();
    if (changed) this.hooks.changed();
    else this.hooks.looked();
    this.#pump();
  }

  /** One after the other, so that no reading brings back what is gone. */
  #work<T>(job: () => Promise<T>): Promise<T> {
    const done = this.#working.then(job);
    this.#working = done.catch(() => undefined);
    return done;
  }

  /** For tests: all that was begun is done. */
  async settled(): Promise<void> {
    await this.#working;
  }
}
