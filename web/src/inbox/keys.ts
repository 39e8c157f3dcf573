import { useEffect } from "preact/hooks";
import { useStaff } from "../staff/staffContext";
import type { Inbox } from "../state/inbox";

const IN_A_FIELD = "input, textarea, select, [contenteditable], [role='dialog']";

/** The inbox by keyboard: J and K go to the next and the previous conversation, R to the line to write in, Escape out of it. */
export function useKeys(inbox: Inbox): void {
  const { pages } = useStaff();
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target as Element;
      if (target.closest(IN_A_FIELD)) {
        if (event.key === "Escape" && target instanceof HTMLTextAreaElement) target.blur();
        return;
      }
      const page = pages.page.peek();
      const rows = inbox.shown.peek();
      const at = rows.findIndex((row) => page.name === "inbox" && row.conversation === page.customer);
      const step = event.key === "j" ? 1 : event.key === "k" ? -1 : 0;
      const next = step && rows[at < 0 ? 0 : at + step];
      if (next) pages.go({ name: "inbox", customer: next.conversation });
      else if (event.key === "r") document.querySelector<HTMLElement>(".talk-write textarea")?.focus();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [inbox, pages]);
}
