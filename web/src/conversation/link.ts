import { Refusal } from "../wire/refusal";
import { Socket } from "../wire/socket";
import type { ChatAsk, ChatHello, ChatSaid, ChatWelcome } from "./frames";
import { Poll } from "./poll";

export type LinkStatus = "connecting" | "open" | "lost" | "ended";
type WithoutRef<T> = T extends { ref: string } ? Omit<T, "ref"> : never;
/** Any request, before the link gives it a `ref`. */
export type Asked = WithoutRef<ChatAsk>;

export interface LinkHooks {
  hello(): Omit<ChatHello, "ref" | "type">;
  welcome(frame: ChatWelcome): void;
  said(frame: ChatSaid): void;
  /** Appends go out on another carrier from now on (true), or on none (false). */
  carrier(ready: boolean): void;
  status(status: LinkStatus): void;
}

/** What brings frames: it takes nothing but `chat.hello` until it is welcomed. */
interface Carrier {
  send(frame: object): boolean;
  helloRef: string;
  welcomed: boolean;
}

interface Pending {
  resolve(frame: ChatSaid): void;
  reject(error: Refusal): void;
  timer: ReturnType<typeof setTimeout>;
}

const ANSWER_MS = 8000;
const SILENT_AFTER_MS = 45_000; // the server says something every 20 s
const UNWELCOME_AFTER_MS = 10_000; // a socket that opened and brought nothing is no way to the server
const LOOK_EVERY_MS = 5000;
const HELLO_AGAIN_MS = 2000;
const POLL_AFTER_FAILURES = 3;

/** The chat's own WebSocket, a call's data channel beside it, and long polls where WebSockets are blocked. */
export class Link {
  readonly #socket: Socket;
  readonly #overSocket: Carrier;
  readonly #poll: Poll;
  readonly #overPoll: Carrier;
  #overChannel: Carrier | null = null;
  #best: Carrier | null = null;
  readonly #pending = new Map<string, Pending>();
  #refs = 0;
  #failures = 0;
  #heardAt = 0;
  #status: LinkStatus = "connecting";
  /** The end was that everything was erased. */
  isErased = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #offline = () => this.#socket.renew();

  constructor(
    url: string,
    page: { device: string; tab: string; side: "customer" | "staff" },
    private readonly hooks: LinkHooks,
  ) {
    this.#overSocket = carrier((frame) => this.#socket.send(JSON.stringify(frame)));
    this.#socket = new Socket(url, {
      opened: () => this.#hello(this.#overSocket),
      text: (text) => this.#text(this.#overSocket, text),
      closed: (forbidden) => this.#closed(forbidden),
    });
    this.#overPoll = carrier((frame) => this.#poll.send(frame));
    this.#poll = new Poll(page, {
      opened: () => this.#hello(this.#overPoll),
      said: (frame) => this.#heard(this.#overPoll, frame as ChatSaid),
      closed: () => this.#gone(this.#overPoll),
    });
  }

  open(): void {
    this.#socket.start();
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    globalThis.addEventListener?.("offline", this.#offline);
  }

  close(): void {
    clearInterval(this.#timer);
    globalThis.removeEventListener?.("offline", this.#offline);
    this.#socket.stop();
    this.#poll.stop();
    this.#overChannel = null;
    this.#overPoll.welcomed = false;
    this.#gone(this.#overSocket);
  }

  /** The server has signed this browser out. */
  end(): void {
    this.close();
    this.#tell("ended");
  }

  /** Says hello anew, on a new connection. */
  renew(): void {
    this.#socket.renew();
  }

  /** A call's data channel carries the same frames for as long as it is open. */
  lend(channel: RTCDataChannel): void {
    const lent = carrier((frame) => {
      if (channel.readyState !== "open") return false;
      channel.send(JSON.stringify(frame));
      return true;
    });
    this.#overChannel = lent;
    channel.addEventListener("open", () => this.#overChannel === lent && this.#hello(lent));
    channel.addEventListener("message", ({ data }) => {
      if (this.#overChannel === lent && typeof data === "string") this.#text(lent, data);
    });
    channel.addEventListener("close", () => {
      if (this.#overChannel === lent) this.#overChannel = null;
      this.#gone(lent);
    });
    if (channel.readyState === "open") this.#hello(lent);
  }

  /** Sends an entry; its answer comes to `said` with this ref. Null: there is no carrier. `again`: it was not answered, so
   * it goes out on the other carrier, too: one may be dead and not know it. */
  append(frame: Asked, again = false): string | null {
    const ref = this.#ref();
    const carriers = new Set([this.#best, ...(again ? [this.#main()] : [])]);
    const sent = [...carriers].map((each) => each?.send({ ...frame, ref }));
    return sent.includes(true) ? ref : null;
  }

  /** Rejects with a Refusal: the server's, `offline`, or `no_answer`. */
  ask(frame: Asked): Promise<ChatSaid> {
    const ref = this.#ref();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(ref, "no_answer"), ANSWER_MS);
      this.#pending.set(ref, { resolve, reject, timer });
      if (!this.#main()?.send({ ...frame, ref })) this.#fail(ref, "offline");
    });
  }

  /** Sends what is worth nothing later, if there is a carrier. */
  post(frame: Asked): void {
    this.#main()?.send({ ...frame, ref: this.#ref() });
  }

  #main(): Carrier | null {
    return [this.#overSocket, this.#overChannel, this.#overPoll].find((each) => each?.welcomed) ?? null;
  }

  #ref(): string {
    return `c${++this.#refs}`; // the call's own refs on the same channel are plain numbers
  }

  #hello(to: Carrier): void {
    to.helloRef = this.#ref();
    to.welcomed = false;
    if (to === this.#overSocket) this.#heardAt = Date.now();
    to.send({ type: "chat.hello", ref: to.helloRef, ...this.hooks.hello() });
  }

  #text(from: Carrier, text: string): void {
    let frame: unknown;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    this.#heard(from, frame as ChatSaid);
  }

  #heard(from: Carrier, frame: ChatSaid): void {
    if (from === this.#overSocket) this.#heardAt = Date.now();
    if (frame.type === "chat.welcome") return this.#welcomed(from, frame);
    const ref = "ref" in frame ? frame.ref : null;
    if (frame.type === "error" && ref !== null && ref === from.helloRef) return this.#unwelcome(from, frame.code);
    const asked = ref === null ? undefined : this.#pending.get(ref);
    if (ref !== null && asked) {
      clearTimeout(asked.timer);
      this.#pending.delete(ref);
      if (frame.type === "error")
        asked.reject(new Refusal(frame.code, frame.message, frame.taken_by, frame.retry_after_s));
      else asked.resolve(frame);
    }
    if (frame.type === "error" && ref === null && frame.code === "erased") this.isErased = true; // the end follows
    this.hooks.said(frame);
  }

  #welcomed(from: Carrier, frame: ChatWelcome): void {
    if (frame.ref !== from.helloRef || from.welcomed) return;
    from.welcomed = true;
    if (from === this.#overSocket) {
      this.#failures = 0;
      this.#overPoll.welcomed = false;
      this.#poll.stop();
    }
    this.hooks.welcome(frame);
    this.#choose();
  }

  #unwelcome(from: Carrier, code: string): void {
    if (code === "ended" || code === "erased") {
      this.isErased = code === "erased";
      this.end();
    } else if (from === this.#overSocket) setTimeout(() => !from.welcomed && this.#socket.renew(), HELLO_AGAIN_MS);
  }

  #closed(forbidden: boolean): void {
    this.#failures = this.#overSocket.welcomed ? 0 : this.#failures + 1;
    this.#gone(this.#overSocket);
    if (forbidden) this.#tell("ended");
    else if (this.#failures >= POLL_AFTER_FAILURES && globalThis.navigator?.onLine !== false) this.#poll.start();
  }

  #gone(lost: Carrier): void {
    lost.welcomed = false;
    this.#choose();
  }

  #look(): void {
    const most = this.#overSocket.welcomed ? SILENT_AFTER_MS : UNWELCOME_AFTER_MS;
    if (this.#socket.open && Date.now() - this.#heardAt > most) this.#socket.renew();
  }

  #choose(): void {
    const main = this.#main();
    const best = this.#overChannel?.welcomed ? this.#overChannel : main;
    if (!main) for (const ref of this.#pending.keys()) this.#fail(ref, "offline");
    if (best !== this.#best) {
      this.#best = best;
      this.hooks.carrier(best !== null);
    }
    this.#tell(best ? "open" : "lost");
  }

  #tell(status: LinkStatus): void {
    if (status === this.#status || this.#status === "ended") return;
    this.#status = status;
    this.hooks.status(status);
  }

  #fail(ref: string, code: string): void {
    const asked = this.#pending.get(ref);
    if (!asked) return;
    clearTimeout(asked.timer);
    this.#pending.delete(ref);
    asked.reject(new Refusal(code, "There was no answer."));
  }
}

function carrier(send: (frame: object) => boolean): Carrier {
  return { send, helloRef: "", welcomed: false };
}
