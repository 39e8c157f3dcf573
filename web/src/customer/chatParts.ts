import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

type Parts = typeof import("./CallChat");

const AGAIN_MS = 3000;
const loaded = signal<Parts | null>(null);

/** The chat's own part of the page: it comes while one waits in line, and not with the form. */
export function useChatParts(wanted: boolean): Parts | null {
  useEffect(() => {
    if (wanted) void load();
  }, [wanted]);
  return loaded.value;
}

async function load(): Promise<void> {
  try {
    loaded.value ??= await import("./CallChat");
  } catch {
    setTimeout(load, AGAIN_MS);
  }
}
