import type { Talk } from "../state/conversation";

/** Pictures, videos and files to send. */
export function Picker(_props: { talk: Talk }) {
  return null;
}
