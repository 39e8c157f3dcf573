import { useEffect } from "preact/hooks";
import { useStaff } from "../staff/staffContext";
import { type Inbox, SHELVES } from "../state/inbox";

const IN_A_FIELD = "input, textarea, select, [contenteditable], [role='dialog']";

/** What a key presses or puts the caret into: the first of these that can be seen. */
const PLACES: Record<string, string> = {
  r: ".talk-write textarea",
  n: ".note-field",
  "/": ".search-wide",
  "@": ".mentions-button",
  t: "[data-deed='take']",
  e: "[data-deed='close'], [data-deed='reopen']",
  h: "[data-deed='hand_over']",
  s: "[data-deed='snooze']",
  "?": ".keys-button",
};

/** The keys by what they do, for the sheet that shows them. */
export const KEYS = [
  ["J", "key_next"],
  ["K", "key_previous"],
  ["1 – 6", "key_shelf"],
  ["R", "key_reply"],
  ["/", "key_quick"],
  ["N", "key_note"],
  ["T", "key_take"],
  ["E", "key_done"],
  ["H", "key_hand_over"],
  ["S", "key_snooze"],
  ["@", "key_mentions"],
  ["U", "key_list"],
  ["Esc", "key_leave"],
  ["?", "key_sheet"],
] as const;

/** The inbox by keyboard, while nothing is being written and no dialog is open. */
export function useKeys(inbox: Inbox): void {
  const { pages } = useStaff();
  useEffect(() => {
    const open = (customer: string | null) => pages.go({ name: "inbox", customer });
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      const target = event.target as Element;
      if (target.closest(IN_A_FIELD)) {
        if (event.key === "Escape" && target instanceof HTMLTextAreaElement) target.blur();
        return;
      }
      if (document.querySelector("[role='dialog']")) return;
      const key = event.key.toLowerCase();
      const page = pages.page.peek();
      const rows = inbox.shown.peek();
      const at = rows.findIndex((row) => page.name === "inbox" && row.conversation === page.customer);
      const step = key === "j" ? 1 : key === "k" ? -1 : 0;
      const next = step && rows[at < 0 ? 0 : at + step];
      const shelf = SHELVES[Number(key) - 1];
      if (next) open(next.conversation);
      else if (key === "u") open(null);
      else if (shelf) inbox.choose(shelf);
      else if (!press(PLACES[key])) return;
      event.preventDefault();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [inbox, pages]);
}

function press(place: string | undefined): boolean {
  const found = place && [...document.querySelectorAll<HTMLElement>(place)].find(isShown);
  if (!found) return false;
  if (found instanceof HTMLTextAreaElement) found.focus();
  else found.click();
  return true;
}

/** What lies hidden behind "more" on a small screen is pressed all the same. */
function isShown(element: HTMLElement): boolean {
  return element.dataset.deed !== undefined || element.checkVisibility();
}
