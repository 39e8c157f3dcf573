import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Inbox } from "../state/inbox";

export const InboxContext = createContext<Inbox | null>(null);

export function useInbox(): Inbox {
  const inbox = useContext(InboxContext);
  if (!inbox) throw new Error("The inbox is for who is signed in.");
  return inbox;
}
