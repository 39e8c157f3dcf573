const FIRST_WAIT_MS = 200;
const EAGER_WAIT_MS = 1200; // a network that is back within the first half minute is noticed within this
const EAGER_FOR_MS = 30_000;
const LONGEST_WAIT_MS = 5000;
const CONNECT_DEADLINE_MS = 4000;
const STAY_AWAY_FROM = 4500;

interface Hooks {
  opened(): void;
  text(text: string): void;
  /** `forbidden`: the server asked this page to stay away (close codes from 4500). */
  closed(forbidden: boolean): void;
}

/** A WebSocket that comes back: jittered waits of 0.2 s to 5 s, at once when the network or the page returns. */
export class Socket {
  #socket: WebSocket | null = null;
  #wanted = false;
  #attempt = 0;
  #lostAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #now = () => this.hurry();
  readonly #visible = () => document.visibilityState === "visible" && this.hurry();

  constructor(
    private readonly url: string,
    private readonly hooks: Hooks,
  ) {}

  get open(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  start(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#attempt = 0;
    this.#lostAt = Date.now();
    globalThis.addEventListener?.("online", this.#now);
    globalThis.document?.addEventListener("visibilitychange", this.#visible);
    this.#connect();
  }

  stop(): void {
    this.#wanted = false;
    clearTimeout(this.#timer);
    globalThis.removeEventListener?.("online", this.#now);
    globalThis.document?.removeEventListener("visibilitychange", this.#visible);
    this.#drop();
  }

  send(text: string): boolean {
    if (!this.open) return false;
    this.#socket?.send(text);
    return true;
  }

  /** Gives the present connection up (it answers no more) and makes a new one. */
  renew(): void {
    if (!this.#wanted) return;
    const was = this.#socket;
    this.#drop();
    if (was) this.#lost(false);
  }

  /** Tries at once if a wait is under way. */
  hurry(): void {
    if (!this.#wanted || this.#socket) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  #connect(): void {
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    const deadline = setTimeout(() => this.#socket === socket && this.renew(), CONNECT_DEADLINE_MS);
    socket.onopen = () => {
      clearTimeout(deadline);
      this.#attempt = 0;
      this.hooks.opened();
    };
    socket.onmessage = (event) => typeof event.data === "string" && this.hooks.text(event.data);
    socket.onclose = (event) => {
      clearTimeout(deadline);
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#lost(event.code >= STAY_AWAY_FROM && event.code <= 4999);
    };
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
  }

  #lost(forbidden: boolean): void {
    if (this.#attempt === 0) this.#lostAt = Date.now();
    if (forbidden) this.stop();
    this.hooks.closed(forbidden);
    if (!this.#wanted || this.#socket) return;
    const most = Date.now() - this.#lostAt < EAGER_FOR_MS ? EAGER_WAIT_MS : LONGEST_WAIT_MS;
    const wait = Math.min(most, FIRST_WAIT_MS * 2 ** this.#attempt++);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => !this.#socket && this.#connect(), wait * (0.6 + 0.4 * Math.random()));
  }
}
