import { type Signal, signal } from "@preact/signals";

export type Page =
  | { name: "desk" }
  | { name: "record"; callId: string }
  /** `customer`: whose conversation is open. */
  | { name: "inbox"; customer: string | null };

export function pageOf(path: string): Page {
  const call = /^\/staff\/calls\/([A-Za-z0-9_-]{1,64})\/?$/.exec(path);
  if (call?.[1]) return { name: "record", callId: call[1] };
  const inbox = /^\/staff\/inbox(?:\/([A-Za-z0-9_-]{1,64}))?\/?$/.exec(path);
  return inbox ? { name: "inbox", customer: inbox[1] ?? null } : { name: "desk" };
}

export function pathOf(page: Page): string {
  if (page.name === "record") return `/staff/calls/${page.callId}`;
  if (page.name === "inbox") return page.customer ? `/staff/inbox/${page.customer}` : "/staff/inbox";
  return "/staff";
}

/** Which page is shown. Follows the browser's back and forward; the call itself goes on underneath. */
export interface Pages {
  readonly page: Signal<Page>;
  go(page: Page): void;
}

export function openPages(): Pages {
  const page = signal(pageOf(location.pathname));
  addEventListener("popstate", () => {
    page.value = pageOf(location.pathname);
  });
  return {
    page,
    go(next) {
      if (pathOf(next) !== location.pathname) history.pushState(null, "", pathOf(next) + location.search);
      page.value = next;
      scrollTo(0, 0);
    },
  };
}
