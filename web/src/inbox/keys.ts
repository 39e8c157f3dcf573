import type { Inbox } from "../state/inbox";

/** The inbox by keyboard. */
export function useKeys(_inbox: Inbox): void {}
