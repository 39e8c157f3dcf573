import { http } from "../wire/http";
import type { Database } from "./database";
import { empty, type StreamState } from "./fold";
import type { EntryView } from "./frames";

const NEWEST = 100;
const OLDER = 50;

interface Hooks {
  opened(state: StreamState): void;
  changed(stream: string): void;
  /** Does it after all that was begun before. */
  save(job: () => Promise<unknown>): void;
}

/** The streams that are open on this page: of each the newest entries, and older ones as far as they were asked for. */
export class Streams {
  readonly #states = new Map<string, StreamState>();

  constructor(
    private readonly database: Database,
    private readonly author: string,
    private readonly hooks: Hooks,
  ) {}

  get all(): StreamState[] {
    return [...this.#states.values()];
  }

  get(stream: string): StreamState | undefined {
    return this.#states.get(stream);
  }

  set(state: StreamState): void {
    if (this.#states.get(state.stream) === state) return;
    this.#states.set(state.stream, state);
    this.hooks.changed(state.stream);
  }

  async open(stream: string): Promise<StreamState> {
    const known = this.#states.get(stream);
    if (known) return known;
    const state = await this.database.newest(stream, NEWEST);
    const meanwhile = this.#states.get(stream);
    if (meanwhile) return meanwhile;
    this.#states.set(stream, state);
    this.hooks.opened(state);
    return state;
  }

  /** False: it was not open. */
  leave(stream: string): boolean {
    return this.#states.delete(stream);
  }

  /** Nothing of what was said stays. */
  clear(): void {
    for (const stream of this.#states.keys()) this.set(empty(stream));
  }

  /** Loads what lies before the window: from this browser, else from the server. False: there is nothing before. */
  async older(stream: string): Promise<boolean> {
    const state = this.#states.get(stream);
    if (!state || state.floor === 0) return false;
    let entries: readonly EntryView[] = await this.database.older(stream, state.floor + 1, OLDER);
    if (!entries.length) {
      const path = `/api/streams/${stream}/entries?before=${state.floor + 1}&limit=${OLDER}`;
      entries = (await http<{ entries: EntryView[] }>(path)).entries;
    }
    this.join(stream, entries);
    return Boolean(this.#states.get(stream)?.floor);
  }

  /** Takes entries that follow each other into the window. False: they do not touch it. */
  join(stream: string, entries: readonly EntryView[]): boolean {
    const now = this.#states.get(stream);
    const first = entries[0]?.position;
    if (!now || !first || first > now.head || first + entries.length - 1 < now.floor) return false;
    const above = entries.filter((entry) => entry.position <= now.floor);
    this.set({ ...now, floor: now.floor - above.length, entries: [...above, ...now.entries] });
    this.hooks.save(() => this.database.keepOlder(stream, above, this.author));
    return true;
  }

  /** Lets go of all but the newest entries on the page; they stay in the browser. */
  trim(stream: string): void {
    const state = this.#states.get(stream);
    if (!state || state.entries.length <= NEWEST * 2) return;
    const entries = state.entries.slice(-NEWEST);
    this.set({ ...state, entries, floor: state.head - entries.length });
  }
}
