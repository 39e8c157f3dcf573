import type { ChatInboxSet, InboxRow } from "../conversation/frames";
import { newId } from "../wire/ids";
import { Refusal } from "../wire/refusal";
import { serverNow } from "../wire/serverClock";
import type { Inbox } from "./inbox";
import type { Notices } from "./staffNotices";

export type Later = "in_one_hour" | "in_three_hours" | "tomorrow" | "next_week";

/** What staff do with a conversation as a whole. */
export interface Deeds {
  take(): void;
  assign(staffId: string): void;
  unassign(): void;
  snooze(when: Later): void;
  finish(): void;
  reopen(): void;
  ring(): void;
}

const HOUR_MS = 3_600_000;
const MORNING = 9;
const REPLY_WITHIN_MS = 5000;

/** When a conversation that is put off comes back; mornings are the reader's own. */
export function timeOf(when: Later, now = new Date(serverNow())): Date {
  if (when === "in_one_hour") return new Date(now.getTime() + HOUR_MS);
  if (when === "in_three_hours") return new Date(now.getTime() + 3 * HOUR_MS);
  const morning = new Date(now);
  morning.setDate(now.getDate() + (when === "tomorrow" ? 1 : 7));
  morning.setHours(MORNING, 0, 0, 0);
  return morning;
}

/** `taken`: a colleague has it already; it can be taken over all the same. */
export function openDeeds(inbox: Inbox, row: InboxRow, notices: Notices, taken: (by: string) => void): Deeds {
  const { conversation } = row;
  const set = (deed: ChatInboxSet["deed"], more: Partial<ChatInboxSet> = {}): void => {
    const talks = inbox.conversations.value;
    const asked = talks
      ?.behind(`c.${conversation}`, REPLY_WITHIN_MS) // a reply that came later would open again what is closed
      .then(() => talks.ask({ type: "chat.inbox.set", id: newId(), conversation, deed, ...more }));
    asked?.catch((error: unknown) => {
      if (error instanceof Refusal && error.code === "already_taken" && error.takenBy) taken(error.takenBy);
      else notices.refuse(error);
    });
  };
  return {
    take: () => set("take"),
    assign: (staff_id) => set("assign", { staff_id }),
    unassign: () => set("unassign"),
    snooze: (when) => set("snooze", { until: timeOf(when).toISOString() }),
    finish: () => set("close"),
    reopen: () => set("reopen"),
    ring() {
      inbox.ring(conversation).catch((error: unknown) => notices.refuse(error));
    },
  };
}
