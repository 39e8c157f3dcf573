import type { CallEvent } from "./frames";

const PATIENCE_MS = 300; // events behind a newer head are usually on their way

/** One call's events in order: applies `position + 1` only, ignores what it has, fetches a gap. */
export class Stream {
  callId: string | null = null;
  position = 0;
  #head = 0;
  #fetching = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `fetch` is the `sync` request; `apply` gets each event once, in order. */
  constructor(
    private readonly fetch: (after: number) => Promise<CallEvent[]>,
    private readonly apply: (events: CallEvent[]) => void,
  ) {}

  /** Turns to another call (or none): its events start at 1. Returns false when it is the same call. */
  turnTo(callId: string | null): boolean {
    if (callId === this.callId) return false;
    this.callId = callId;
    this.position = 0;
    this.#head = 0;
    clearTimeout(this.#timer);
    return true;
  }

  take(events: CallEvent[]): void {
    const fresh: CallEvent[] = [];
    for (const event of [...events].sort((a, b) => a.position - b.position)) {
      if (event.call_id !== this.callId || event.position <= this.position) continue;
      this.#head = Math.max(this.#head, event.position);
      if (event.position === this.position + 1) {
        this.position = event.position;
        fresh.push(event);
      } else {
        void this.#fill();
        break;
      }
    }
    if (fresh.length) this.apply(fresh);
  }

  /** The server says that the stream reaches `head`: fetches the rest if it does not come by itself. */
  reaches(head: number): void {
    clearTimeout(this.#timer);
    this.#head = Math.max(this.#head, head);
    if (head > this.position) this.#timer = setTimeout(() => head > this.position && void this.#fill(), PATIENCE_MS);
  }

  async #fill(): Promise<void> {
    if (this.#fetching) return;
    this.#fetching = true;
    const callId = this.callId;
    try {
      const events = await this.fetch(this.position);
      this.#fetching = false;
      if (callId !== this.callId || !events.some((event) => event.position === this.position + 1)) return;
      this.take(events);
      if (this.position < this.#head) void this.#fill(); // one answer holds 500 at most
    } catch {
      this.#fetching = false; // the next event or the next welcome asks again
    }
  }
}
