interface Hooks {
  /** This tab sends for all tabs of the browser, or no more. */
  lead(leads: boolean): void;
  /** Another tab wrote something, or something of it was answered. */
  changed(): void;
}

/** The tabs of one browser: one of them sends, the one that the person writes in. Without Web Locks all of them do; ids
 * make an entry one. */
export class Tabs {
  readonly #name: string;
  readonly #channel: BroadcastChannel | null;
  readonly #locks = globalThis.navigator?.locks;
  #leads = false;
  #waits = false;
  #closed = false;
  #release: (() => void) | null = null;

  constructor(
    device: string,
    private readonly hooks: Hooks,
  ) {
    this.#name = `loupe-chat-${device}`;
    this.#channel = globalThis.BroadcastChannel ? new BroadcastChannel(this.#name) : null;
    if (this.#channel) this.#channel.onmessage = () => hooks.changed();
  }

  start(): void {
    if (this.#locks) this.#wait(false);
    else this.#now(true);
  }

  close(): void {
    this.#closed = true;
    this.#release?.();
    this.#channel?.close();
  }

  changed(): void {
    if (!this.#closed) this.#channel?.postMessage("changed");
  }

  /** A tab in the background may be asleep: the one that is written in leads. */
  takeLead(): void {
    if (this.#locks && !this.#leads && !this.#closed) this.#wait(true);
  }

  #wait(steal: boolean): void {
    if (!steal && this.#waits) return;
    if (!steal) this.#waits = true;
    this.#locks
      ?.request(this.#name, { steal }, () => {
        if (!steal) this.#waits = false;
        if (this.#closed) return;
        this.#now(true);
        return new Promise<void>((resolve) => {
          this.#release = resolve;
        });
      })
      .catch(() => {
        this.#now(false); // another tab took it: wait until that one closes
        if (!this.#closed) this.#wait(false);
      });
  }

  #now(leads: boolean): void {
    this.#leads = leads;
    this.hooks.lead(leads);
  }
}
