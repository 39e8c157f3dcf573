import type { Talk } from "../state/conversation";

/** Sentences that the shop says often. */
export function QuickReplies(_props: { talk: Talk }) {
  return null;
}
