import type { ChatInbox, HeadView } from "./frames";

/** How far this tab is in a shop's inbox. The digest is the server's: it says which history the position is of. */
export class InboxCursor {
  /** Asks for the rows that changed after a position. */
  fetch: (after: number) => void = () => undefined;

  constructor(
    readonly stream: string,
    public position = 0,
    public digest = 0,
  ) {}

  /** True: these rows are new, and it goes on from them. What lies between is asked for. */
  take({ after, position, digest, is_whole }: ChatInbox): boolean {
    const isKnown = is_whole ? position === this.position && digest === this.digest : position <= this.position;
    if (isKnown) return false; // it came by another carrier already
    if (!is_whole && after > this.position) {
      this.fetch(this.position);
      return false;
    }
    this.position = position;
    this.digest = digest;
    return true;
  }

  /** Asks for what the server's inbox has and this one lacks: all, when it is of another history. */
  compare({ stream, head, digest }: HeadView): void {
    if (stream !== this.stream) return;
    if (head > this.position) this.fetch(this.position);
    else if (head === this.position && digest !== this.digest) this.fetch(0);
  }

  /** What the server said at hello. True histories go on; of another one nothing counts. */
  begin(heads: readonly HeadView[], isRestored: boolean): void {
    const inbox = heads.find((head) => head.stream === this.stream);
    if (!inbox || (!isRestored && inbox.head >= this.position)) return;
    this.position = 0;
    this.digest = 0;
  }
}
