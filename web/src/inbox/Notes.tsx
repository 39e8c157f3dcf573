import type { Inbox } from "../state/inbox";

/** What the shop notes about this customer; customers never see it. */
export function Notes(_props: { inbox: Inbox; customer: string }) {
  return null;
}
