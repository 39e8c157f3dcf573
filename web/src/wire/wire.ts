import type { CustomerAsk, ErrorFrame, Ok, Said, StaffAsk, Welcome } from "./frames";
import { newId } from "./ids";
import type { Kept, Outbox, Unsent } from "./outbox";
import { Refusal } from "./refusal";
import { Socket } from "./socket";
import { Twice } from "./twice";

export type News = Exclude<Said, Ok | ErrorFrame | Welcome>;
/** `lost`: coming back by itself. `replaced`: another tab took over; `takeOver()` brings it back. `refused`: stay away. */
export type WireStatus = "connecting" | "open" | "lost" | "replaced" | "refused";
export type CarrierName = "socket" | "channel";
type Durable = Extract<Unsent, { cmid: string }>;

interface Waiting {
  frame: Unsent;
  kept: boolean;
  callId: string | null;
  refs: Set<string>;
  /** Every connection that ever took it. */
  takenBy: Set<object>;
  /** The server wants it later; durable requests made after it wait behind it. */
  refused: boolean;
  sentOn: CarrierName | null;
  timer: ReturnType<typeof setTimeout> | undefined;
  deadline: ReturnType<typeof setTimeout> | undefined;
  resolve(ok: Ok): void;
  reject(error: Refusal): void;
}

export interface WireHooks {
  /** Everything anew, after each (re)connect of a carrier. */
  welcome(welcome: Welcome, carrier: CarrierName): void;
  news(news: News): void;
  status(status: WireStatus): void;
  /** Durable requests of an earlier page that are being sent again; each promise is settled like any other. */
  restored(entries: { kept: Kept; answer: Promise<Ok> }[]): void;
}

export interface Asking {
  /** For requests without a cmid 8 s, unless stated; kept ones wait as long as it takes. */
  deadlineMs?: number;
  /** False: a request with a cmid is repeated but does not outlive the page. */
  keep?: boolean;
  /** Gives the request up: it is not sent any more, and rejects with `closed`. */
  given?: AbortSignal;
}

const DEADLINE_MS = 8000;
const OTHER_CARRIER_MS = 700;
const AGAIN_MS = 3000;
const PING_EVERY_MS = 10_000;
const PONG_WITHIN_MS = 4000;
const COME_BACK = new Set(["unavailable", "rate_limited"]);
const BULKY = 48 * 1024; // over this a frame never fits the data channel's message size with safety

/** Requests and news over the WebSocket and, in a call, the data channel. Knows no page and no state. */
export class Wire {
  status: WireStatus = "connecting";
  readonly #socket: Socket;
  #welcomed = false;
  #socketTurn = {}; // another one for each connection of the socket
  #channel: RTCDataChannel | null = null;
  readonly #waiting = new Set<Waiting>();
  readonly #byRef = new Map<string, Waiting>();
  readonly #twice = new Twice();
  #restored = false;
  #heard = 0;
  #ping: ReturnType<typeof setInterval> | undefined;

  /** `hello` says how far this page is, each time a carrier opens. */
  constructor(
    url: string,
    private readonly outbox: Outbox,
    private readonly hello: () => { position: number; language: "zh-CN" | "en" },
    private readonly hooks: WireHooks,
  ) {
    this.#socket = new Socket(url, {
      opened: () => this.#greet("socket"),
      text: (text) => this.#hear("socket", text),
      closed: (forbidden) => this.#socketClosed(forbidden),
    });
  }

  open(): void {
    this.#say("connecting");
    this.#socket.start();
    clearInterval(this.#ping);
    this.#ping = setInterval(() => this.probe(), PING_EVERY_MS);
  }

  /** Ends the wire; open requests fail with `closed`, durable ones stay in the outbox. */
  close(): void {
    clearInterval(this.#ping);
    this.#socket.stop();
    this.#welcomed = false;
    this.detach();
    for (const entry of [...this.#waiting])
      this.#settle(entry, new Refusal("closed", "The connection was closed."), true);
  }

  /** Makes this tab the person's one tab again. */
  takeOver(): void {
    this.open();
  }

  get channelOpen(): boolean {
    return this.#channel?.readyState === "open";
  }

  /** Uses this data channel beside the WebSocket, from now or from when it opens; replaces the one before. */
  attach(channel: RTCDataChannel): void {
    this.#channel = channel;
    const opened = () => this.#channel === channel && this.#greet("channel");
    channel.addEventListener("open", opened);
    channel.addEventListener("message", (event: MessageEvent) => {
      if (this.#channel === channel && typeof event.data === "string") this.#hear("channel", event.data);
    });
    channel.addEventListener("close", () => this.#channel === channel && this.detach());
    if (channel.readyState === "open") opened();
  }

  detach(): void {
    this.#channel = null;
    this.#failOver("channel");
  }

  /** Sends and waits for the answer. With a `cmid` it is durable: sent again, on either carrier, until it is answered; it
   * rejects only on a refusal. Without, it rejects with `no_answer` or `offline` after `deadlineMs`. */
  request(frame: Unsent, options: Asking & { callId?: string | null } = {}): Promise<Ok> {
    const durable = "cmid" in frame;
    const keep = durable && options.keep !== false;
    const callId = options.callId ?? null;
    if (keep) void this.outbox.put({ cmid: frame.cmid, callId, at: Date.now(), frame: frame as Durable });
    return new Promise((resolve, reject) => {
      const entry: Waiting = {
        frame,
        kept: keep,
        callId,
        refs: new Set(),
        takenBy: new Set(),
        refused: false,
        sentOn: null,
        timer: undefined,
        deadline: undefined,
        resolve,
        reject,
      };
      this.#waiting.add(entry);
      const deadline = options.deadlineMs ?? (keep ? 0 : DEADLINE_MS);
      if (deadline) {
        entry.deadline = setTimeout(() => {
          const code = entry.sentOn ? "no_answer" : "offline";
          this.#settle(entry, new Refusal(code, "The server did not answer in time."));
        }, deadline);
      }
      options.given?.addEventListener("abort", () => this.#settle(entry, new Refusal("closed", "Given up.")), {
        once: true,
      });
      this.#send(entry);
    });
  }

  /** Sends what need not arrive. */
  post(frame: Unsent): void {
    this.request(frame).catch(() => undefined);
  }

  /** Asks whether the WebSocket still answers, and renews it if not. */
  probe(): void {
    if (!this.#welcomed) return this.#socket.hurry();
    const asked = Date.now();
    this.#socket.send(JSON.stringify({ type: "ping", ref: `p${asked}` }));
    setTimeout(() => this.#welcomed && this.#heard < asked && this.#socket.renew(), PONG_WITHIN_MS);
  }

  #usable(carrier: CarrierName): boolean {
    return carrier === "channel" ? this.channelOpen : this.#welcomed && this.#socket.open;
  }

  #carrierFor(entry: Waiting, avoid: CarrierName | null): CarrierName | null {
    const small = JSON.stringify(entry.frame).length < BULKY;
    const first: CarrierName = "cmid" in entry.frame && small ? "channel" : "socket";
    const order: CarrierName[] =
      first === "channel" ? ["channel", "socket"] : small ? ["socket", "channel"] : ["socket"];
    const usable = order.filter((name) => this.#usable(name));
    return usable.find((name) => name !== avoid) ?? usable[0] ?? null;
  }

  #send(entry: Waiting, avoid: CarrierName | null = null): void {
    clearTimeout(entry.timer);
    const carrier = this.#carrierFor(entry, avoid);
    if (!carrier) return; // goes out when a carrier opens
    if ("cmid" in entry.frame) {
      // Whichever carrier is quicker, durable requests arrive in their order: none goes out before the earlier ones did.
      const turn = this.#turnOf(carrier);
      for (const earlier of [...this.#waiting]) {
        if (earlier === entry) break;
        if (earlier.refused) {
          entry.sentOn = null; // goes out when the refused one does
          return;
        }
        if ("cmid" in earlier.frame && !earlier.takenBy.has(turn)) this.#put(earlier, carrier, avoid);
      }
    }
    this.#put(entry, carrier, avoid);
  }

  #turnOf(carrier: CarrierName): object {
    return carrier === "channel" && this.#channel ? this.#channel : this.#socketTurn;
  }

  #put(entry: Waiting, carrier: CarrierName, avoid: CarrierName | null): void {
    clearTimeout(entry.timer);
    const ref = newId();
    const text = JSON.stringify({ ...entry.frame, ref });
    try {
      if (carrier === "channel") this.#channel?.send(text);
      else this.#socket.send(text);
    } catch {
      if (avoid === null) this.#send(entry, carrier);
      return;
    }
    const again = entry.sentOn !== null;
    entry.refused = false;
    entry.refs.add(ref);
    entry.takenBy.add(this.#turnOf(carrier));
    entry.sentOn = carrier;
    this.#byRef.set(ref, entry);
    if ("cmid" in entry.frame)
      entry.timer = setTimeout(() => this.#send(entry, carrier), again ? AGAIN_MS : OTHER_CARRIER_MS);
  }

  #greet(carrier: CarrierName): void {
    const text = JSON.stringify({ type: "hello", ref: `hello-${carrier}-${newId()}`, ...this.hello() });
    if (carrier === "channel") {
      this.#channel?.send(text);
      this.#flush();
    } else this.#socket.send(text);
  }

  #hear(carrier: CarrierName, text: string): void {
    if (carrier === "socket") this.#heard = Date.now();
    let said: Said;
    try {
      said = JSON.parse(text) as Said;
    } catch {
      return;
    }
    if (said.type === "welcome") return this.#welcome(said, carrier);
    if (said.type === "ok") return this.#answered(said.ref, said);
    if (said.type === "error") {
      if (said.ref) this.#answered(said.ref, said);
      return;
    }
    if (said.type === "replaced") {
      this.#welcomed = false;
      this.#socket.stop();
      return this.#say("replaced");
    }
    const acts =
      said.type === "camera.command" ||
      said.type === "picture.ask" ||
      said.type === "still.wanted" ||
      said.type === "media.renew";
    if (acts && this.#twice.known(carrier, text)) return;
    this.hooks.news(said);
  }

  #welcome(welcome: Welcome, carrier: CarrierName): void {
    if (carrier === "socket") this.#welcomed = true;
    this.hooks.welcome(welcome, carrier);
    if (carrier === "socket") this.#say("open");
    if (this.#restored) return this.#flush();
    this.#restored = true;
    this.#flush();
    void this.#restore(welcome);
  }

  async #restore(welcome: Welcome): Promise<void> {
    const mine = new Set([...this.#waiting].map((entry) => ("cmid" in entry.frame ? entry.frame.cmid : "")));
    const found: { kept: Kept; answer: Promise<Ok> }[] = [];
    for (const kept of await this.outbox.all()) {
      if (mine.has(kept.cmid)) continue;
      if (kept.callId !== (welcome.call?.id ?? null)) void this.outbox.remove(kept.cmid);
      else found.push({ kept, answer: this.request(kept.frame, { callId: kept.callId }) });
    }
    if (found.length) this.hooks.restored(found);
  }

  #answered(ref: string, said: Ok | ErrorFrame): void {
    const entry = this.#byRef.get(ref);
    if (!entry) return; // the other carrier's answer came first, or a ping's
    if (said.type === "ok") return this.#settle(entry, said);
    if ("cmid" in entry.frame && COME_BACK.has(said.code)) {
      clearTimeout(entry.timer);
      entry.refused = true;
      entry.timer = setTimeout(
        () => {
          this.#send(entry);
          this.#flush();
        },
        (said.retry_after_s ?? 1) * 1000,
      );
      return;
    }
    this.#settle(entry, new Refusal(said.code, said.message, said.taken_by, said.retry_after_s));
  }

  #settle(entry: Waiting, answer: Ok | Refusal, stays = false): void {
    if (!this.#waiting.delete(entry)) return;
    clearTimeout(entry.timer);
    clearTimeout(entry.deadline);
    for (const ref of entry.refs) this.#byRef.delete(ref);
    if (entry.kept && !stays) void this.outbox.remove((entry.frame as Durable).cmid);
    if (answer instanceof Refusal) entry.reject(answer);
    else entry.resolve(answer);
    if (entry.refused) this.#flush();
  }

  /** Sends what no carrier has yet taken, and durable requests whose carrier is gone. */
  #flush(): void {
    for (const entry of [...this.#waiting]) if (!entry.sentOn) this.#send(entry);
  }

  #failOver(gone: CarrierName): void {
    for (const entry of [...this.#waiting]) {
      if (entry.sentOn !== gone) continue;
      clearTimeout(entry.timer);
      entry.sentOn = null;
      // A request without a cmid may have been carried out: it is not repeated but times out, except what is safe twice.
      if ("cmid" in entry.frame || SAFE_TWICE.has(entry.frame.type)) this.#send(entry, gone);
      else entry.sentOn = gone;
    }
  }

  #socketClosed(forbidden: boolean): void {
    this.#welcomed = false;
    this.#socketTurn = {};
    if (this.status !== "replaced") this.#say(forbidden ? "refused" : "lost");
    this.#failOver("socket");
  }

  #say(status: WireStatus): void {
    if (this.status === status) return;
    this.status = status;
    this.hooks.status(status);
  }
}

const SAFE_TWICE = new Set<(CustomerAsk | StaffAsk)["type"]>([
  "media.offer",
  "call.join",
  "sync",
  "seen",
  "status.set",
  "available.set",
  "call.answer",
  "call.hold",
  "recording.pause",
  "freeze",
  "draw.stroke",
  "draw.clear",
  "camera.report",
  "picture.answer",
  "note.save",
  "call.end",
]);
