import { http } from "../wire/http";

const WAIT_S = 20;
const REST_MS = 2000;
const DEADLINE_MS = 35_000;

interface Hooks {
  /** Say hello: nothing is known of this device there. */
  opened(): void;
  said(frame: unknown): void;
  closed(): void;
}

/** The same frames over HTTP, where WebSockets are blocked: one request always waits for news, what is sent goes in
 * another at once. */
export class Poll {
  #queue: unknown[] = [];
  #round = 0; // grows when it is stopped: what still comes of an earlier round is not heard
  #flushing = false;

  /** `page` names this page to the server: {device, tab, side}. */
  constructor(
    private readonly page: object,
    private readonly hooks: Hooks,
  ) {}

  get runs(): boolean {
    return this.#round % 2 === 1;
  }

  start(): void {
    if (!this.runs) void this.#run(++this.#round);
  }

  stop(): void {
    if (this.runs) this.#round += 1;
    this.#queue = [];
  }

  send(frame: unknown): boolean {
    if (!this.runs) return false;
    this.#queue.push(frame);
    if (!this.#flushing) {
      this.#flushing = true;
      queueMicrotask(() => void this.#flush(this.#round));
    }
    return true;
  }

  async #run(round: number): Promise<void> {
    while (round === this.#round) {
      try {
        this.#flushing = true; // the hello goes with the first request
        this.hooks.opened();
        await this.#ask(round, 0);
        this.#flushing = false;
        if (this.#queue.length) await this.#ask(round, 0);
        while (round === this.#round) await this.#ask(round, WAIT_S);
      } catch {
        this.#flushing = false;
        this.#queue = [];
        if (round !== this.#round) return;
        this.hooks.closed();
        await new Promise((resolve) => setTimeout(resolve, REST_MS));
      }
    }
  }

  async #flush(round: number): Promise<void> {
    this.#flushing = false;
    if (this.#queue.length && round === this.#round) await this.#ask(round, 0).catch(() => undefined);
  }

  async #ask(round: number, waitS: number): Promise<void> {
    const frames = this.#queue.splice(0);
    const body = { ...this.page, frames, wait_s: waitS };
    const answer = await http<{ frames: unknown[] }>("/api/chat/poll", { body, deadlineMs: DEADLINE_MS });
    if (round === this.#round) for (const frame of answer.frames) this.hooks.said(frame);
  }
}
