import { ArrowUp, X } from "lucide-preact";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { visible } from "../conversation/blank";
import { shared } from "../i18n/shared.texts";
import { talk as t } from "../i18n/talk.texts";
import type { Talk } from "../state/conversation";
import { summary } from "./Line";
import { Picker, Tray } from "./Picker";
import { canRecord } from "./recorder";
import { usePicked } from "./usePicked";
import { Voice } from "./Voice";
import "./picking.css";

const TALLEST = 160;
const LONGEST = 20_000; // goes as five messages

/** `inCall`: the camera and the microphone are the call's, and are not taken from it. */
interface Props {
  talk: Talk;
  extra?: ComponentChildren;
  /** At the line's beginning. */
  before?: ComponentChildren;
  inCall?: boolean;
}

/** The line to write in. Enter sends, Shift and Enter begin a new line; while Chinese is composed Enter only chooses. */
export function Composer({ talk, extra, before, inCall = false }: Props) {
  const field = useRef<HTMLTextAreaElement>(null);
  const text = talk.draft.value;
  const replying = talk.replyingTo.value;
  const files = usePicked(talk);
  const name = inCall ? shared("message") : t("write_to");
  const isEmpty = !visible(text) && !files.picked.length && !files.preparing;

  useLayoutEffect(() => {
    const box = field.current;
    if (!box) return;
    box.style.height = "auto";
    box.style.height = `${Math.min(TALLEST, box.scrollHeight + 2)}px`;
  }, [text]);
  useEffect(() => {
    const hidden = () => document.visibilityState === "hidden" && talk.leaveField();
    document.addEventListener("visibilitychange", hidden);
    return () => {
      document.removeEventListener("visibilitychange", hidden);
      talk.leaveField();
    };
  }, [talk]);
  useLayoutEffect(() => {
    if (replying) field.current?.focus();
  }, [replying]);

  const send = (event?: Event) => {
    event?.preventDefault();
    if (files.picked.length || files.preparing) files.send();
    else talk.send();
    field.current?.focus();
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) send(event);
    else if (event.key === "Escape" && replying) talk.replyingTo.value = null;
  };
  return (
    <form class="talk-composer" onSubmit={send} onDragOver={files.dragged} onDrop={files.dropped}>
      {replying && (
        <div class="talk-replying">
          <div>
            <strong>{t("replying_to", { name: replying.mine ? t("to_yourself") : replying.authorName })}</strong>
            <p dir="auto">{summary(replying)}</p>
          </div>
          <button
            type="button"
            class="talk-round quiet"
            aria-label={t("stop_replying")}
            onClick={() => {
              talk.replyingTo.value = null;
            }}
          >
            <X size={20} aria-hidden="true" />
          </button>
        </div>
      )}
      {extra}
      <Tray picked={files.picked} preparing={files.preparing} onRemove={files.remove} />
      {files.refused && (
        <p class="talk-voice-note" role="alert">
          {files.refused}
        </p>
      )}
      <div class="talk-write">
        {before}
        <Picker onFiles={files.add} camera={!inCall} />
        <textarea
          ref={field}
          class="input"
          dir="auto"
          rows={1}
          value={text}
          maxLength={LONGEST}
          aria-label={name}
          placeholder={name}
          enterkeyhint="send"
          autocomplete="off"
          onInput={(event) => talk.edited(event.currentTarget.value)}
          onKeyDown={key}
          onPaste={files.pasted}
        />
        {isEmpty && !inCall && canRecord() ? (
          <Voice talk={talk} />
        ) : (
          <button type="submit" class="talk-round send" aria-label={t("send")} disabled={isEmpty}>
            <ArrowUp size={24} aria-hidden="true" />
          </button>
        )}
      </div>
    </form>
  );
}
