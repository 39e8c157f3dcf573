import { type Signal, signal } from "@preact/signals";

export type Page = { name: "desk" } | { name: "record"; callId: string };

export function pageOf(path: string): Page {
  const found = /^\/staff\/calls\/([A-Za-z0-9_-]{1,64})\/?$/.exec(path);
  return found?.[1] ? { name: "record", callId: found[1] } : { name: "desk" };
}

export function pathOf(page: Page): string {
  return page.name === "record" ? `/staff/calls/${page.callId}` : "/staff";
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
