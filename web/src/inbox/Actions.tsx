import type { InboxRow } from "../conversation/frames";
import type { Inbox } from "../state/inbox";

/** What can be done with a conversation: take, hand over, snooze, close, call. */
export function Actions(_props: { inbox: Inbox; row: InboxRow }) {
  return null;
}
