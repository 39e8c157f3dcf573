import { ArrowUp, ChevronDown, MessageCircle } from "lucide-preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { shared } from "../i18n/shared.texts";
import type { Customer } from "../state/customer";
import { Bubble } from "./Bubble";
import { t } from "./texts";

const PEEK = 2;
const PEEK_FOR_MS = 12_000;
const BESIDE = "(min-width: 900px), (orientation: landscape) and (max-height: 520px)"; // as in call-sizes.css

/** The chat: one line to write in, the newest messages over the picture, and all of them when opened. */
export function ChatPanel(props: { customer: Customer; open: boolean; onOpen(open: boolean): void }) {
  const { customer, open, onOpen } = props;
  const { session } = customer;
  const [text, setText] = useState("");
  const [wide, setWide] = useState(() => matchMedia(BESIDE).matches);
  const list = useRef<HTMLOListElement>(null);
  const lines = session.chat.value;
  const count = lines.length;
  const all = open || wide;
  const [fresh, setFresh] = useState(true);

  useEffect(() => {
    const media = matchMedia(BESIDE);
    const changed = () => setWide(media.matches);
    media.addEventListener("change", changed);
    return () => media.removeEventListener("change", changed);
  }, []);
  // The newest message is on the screen either way: seen is read.
  useEffect(() => {
    const read = () => session.markRead();
    read();
    document.addEventListener("visibilitychange", read);
    return () => document.removeEventListener("visibilitychange", read);
  }, [session, session.events.value.length]);
  useEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [count, all]);
  useEffect(() => {
    setFresh(true);
    const timer = setTimeout(() => setFresh(false), PEEK_FOR_MS);
    return () => clearTimeout(timer);
  }, [count]);

  const send = (event: Event) => {
    event.preventDefault();
    session.say(text);
    setText("");
  };
  const shown = all ? lines : fresh ? lines.slice(-PEEK) : [];
  return (
    <section class={all ? "chat open" : "chat"} aria-label={t("chat")}>
      <ol class="lines" ref={list} aria-live="polite" aria-relevant="additions">
        {all && lines.length === 0 && <li class="no-lines">{t("no_messages")}</li>}
        {shown.map((line) => (
          <Bubble key={line.cmid} line={line} again={() => session.sayAgain(line.cmid)} />
        ))}
      </ol>
      <form class="composer" onSubmit={send}>
        {!wide && (
          <button
            type="button"
            class="round-button"
            aria-label={open ? t("close_chat") : t("open_chat")}
            aria-expanded={open}
            onClick={() => onOpen(!open)}
          >
            {open ? <ChevronDown size={22} aria-hidden="true" /> : <MessageCircle size={22} aria-hidden="true" />}
          </button>
        )}
        <input
          class="input"
          value={text}
          maxLength={4000}
          aria-label={shared("message")}
          placeholder={t("write_message")}
          enterkeyhint="send"
          autocomplete="off"
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" class="round-button send" aria-label={shared("send")} disabled={!text.trim()}>
          <ArrowUp size={22} aria-hidden="true" />
        </button>
      </form>
    </section>
  );
}
