const WITHIN_MS = 200;

/** How far this person has seen each stream: gathered for a moment, told again after a lost connection. */
export class Seen {
  readonly #seen = new Map<string, { delivered: number; read: number; told: boolean }>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `tell` answers whether there was a connection. */
  constructor(private readonly tell: (stream: string, delivered: number, read: number) => boolean) {}

  note(stream: string, delivered: number, read: number): void {
    const before = this.#seen.get(stream) ?? { delivered: 0, read: 0 };
    const next = { delivered: Math.max(before.delivered, delivered, read), read: Math.max(before.read, read) };
    if (next.delivered === before.delivered && next.read === before.read) return;
    this.#seen.set(stream, { ...next, told: false });
    this.#soon();
  }

  /** The server may not have heard the last ones. */
  again(): void {
    for (const seen of this.#seen.values()) seen.told = false;
    this.#soon();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const [stream, seen] of this.#seen) if (!seen.told) seen.told = this.tell(stream, seen.delivered, seen.read);
    }, WITHIN_MS);
  }
}
