import type { Talk } from "../state/conversation";

/** Records a voice note. */
export function Voice(_props: { talk: Talk }) {
  return null;
}
