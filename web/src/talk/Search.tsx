import type { Talk } from "../state/conversation";

/** Finds words in this conversation; without one, in all of the shop's. */
export function Search(_props: { talk: Talk | null }) {
  return null;
}
