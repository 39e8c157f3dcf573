const REMEMBERED = 64;

/** News that may come on both carriers counts once: the n-th copy on one carrier is the n-th copy on the other. */
export class Twice {
  readonly #counts = new Map<string, Map<string, number>>();

  /** True when this text was already delivered by the other carrier. */
  known(carrier: string, text: string): boolean {
    const counts = this.#counts.get(text) ?? new Map<string, number>();
    const most = Math.max(0, ...counts.values());
    const mine = (counts.get(carrier) ?? 0) + 1;
    counts.set(carrier, mine);
    this.#counts.delete(text);
    this.#counts.set(text, counts);
    if (this.#counts.size > REMEMBERED) this.#counts.delete(this.#counts.keys().next().value as string);
    return mine <= most;
  }
}
