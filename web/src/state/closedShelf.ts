import { type ReadonlySignal, signal } from "@preact/signals";
import type { InboxRow } from "../conversation/frames";
import { http } from "../wire/http";
import { codeOf } from "../wire/refusal";

/** Closed conversations, read page by page from the server, the last changed first. */
export interface ClosedShelf {
  readonly loading: ReadonlySignal<boolean>;
  /** False: the first one ever is there. */
  readonly hasMore: ReadonlySignal<boolean>;
  /** Why the last page did not come, as an error code. */
  readonly fault: ReadonlySignal<string | null>;
  more(): Promise<void>;
  /** The next page is the first one again. */
  restart(): void;
}

interface Page {
  rows: InboxRow[];
  before: number | null;
}

export function openClosedShelf(keep: (rows: readonly InboxRow[]) => void): ClosedShelf {
  const loading = signal(false);
  const hasMore = signal(true);
  const fault = signal<string | null>(null);
  let before: number | null = null;
  let round = 0;
  return {
    loading,
    hasMore,
    fault,
    async more() {
      if (loading.peek() || !hasMore.peek()) return;
      loading.value = true;
      const asked = round;
      try {
        const page = await http<Page>(`/api/inbox?state=closed${before ? `&before=${before}` : ""}`);
        if (asked !== round) return;
        before = page.before;
        hasMore.value = before !== null;
        fault.value = null;
        keep(page.rows);
      } catch (error) {
        if (asked === round) fault.value = codeOf(error);
      } finally {
        if (asked === round) loading.value = false;
      }
    },
    restart() {
      round += 1;
      loading.value = false; // a page under way is of the round before; it must not keep the first one from being asked for
      before = null;
      hasMore.value = true;
      fault.value = null;
    },
  };
}
