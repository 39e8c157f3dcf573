import { type Signal, signal } from "@preact/signals";
import { errorText } from "../i18n/shared.texts";
import { newId } from "../wire/ids";
import { codeOf } from "../wire/refusal";

export interface Notice {
  id: string;
  tone: "plain" | "good" | "warn" | "bad";
  /** Read at each draw, so that it follows the language. */
  words: () => string;
}

/** Short news that go away by themselves; they are also read aloud. */
export interface Notices {
  readonly list: Signal<Notice[]>;
  /** Answers with the notice's id, for `dismiss` when it is no longer true. */
  tell(tone: Notice["tone"], words: () => string): string;
  /** Tells why something was refused. */
  refuse(error: unknown): void;
  dismiss(id: string): void;
}

const SHOWN_FOR_MS = 6000;
const AT_MOST = 3;

export function openNotices(): Notices {
  const list = signal<Notice[]>([]);
  const dismiss = (id: string): void => {
    list.value = list.value.filter((notice) => notice.id !== id);
  };
  const tell = (tone: Notice["tone"], words: () => string): string => {
    const id = newId();
    const same = words();
    list.value = [...list.value.filter((notice) => notice.words() !== same), { id, tone, words }].slice(-AT_MOST);
    setTimeout(dismiss, SHOWN_FOR_MS, id);
    return id;
  };
  return { list, dismiss, tell, refuse: (error) => void tell("bad", () => errorText(codeOf(error))) };
}
