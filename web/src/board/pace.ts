/** A growing stroke is sent whole each time. 30 a second looks live; the byte rate keeps a long stroke from starving the
 * voice on a poor uplink: at 480 kbit/s the longest stroke still goes out twice a second. */
export const LEAST_GAP_MS = 34;
export const MOST_BYTES_PER_MS = 60;

export interface Clock {
  now(): number;
  later(run: () => void, ms: number): unknown;
  cancel(timer: unknown): void;
}

export const pageClock: Clock = {
  now: () => performance.now(),
  later: (run, ms) => setTimeout(run, ms),
  cancel: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

/** Sends the newest value at a bounded rate, and the last one always. */
export class Pace<T> {
  #waiting: T | undefined;
  #timer: unknown = null;
  #freeAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly send: (value: T) => void,
    private readonly bytesOf: (value: T) => number,
    private readonly clock: Clock = pageClock,
  ) {}

  /** Offers a newer value; an older one that was not sent yet is dropped. */
  offer(value: T): void {
    this.#waiting = value;
    if (this.#timer !== null) return;
    const wait = this.#freeAt - this.clock.now();
    if (wait <= 0) this.flush();
    else this.#timer = this.clock.later(() => this.flush(), wait);
  }

  /** Sends what waits, now. */
  flush(): void {
    if (this.#timer !== null) this.clock.cancel(this.#timer);
    this.#timer = null;
    const value = this.#waiting;
    if (value === undefined) return;
    this.#waiting = undefined;
    this.#freeAt = this.clock.now() + Math.max(LEAST_GAP_MS, this.bytesOf(value) / MOST_BYTES_PER_MS);
    this.send(value);
  }

  /** Forgets what waits. */
  drop(): void {
    if (this.#timer !== null) this.clock.cancel(this.#timer);
    this.#timer = null;
    this.#waiting = undefined;
  }
}
