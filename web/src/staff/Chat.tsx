import { SendHorizontal } from "lucide-preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { shared } from "../i18n/shared.texts";
import type { StaffKey } from "../i18n/staff.en";
import { staff } from "../i18n/staff.texts";
import { gently } from "../ui/motion";
import { useStaff } from "./staffContext";
import { Timeline } from "./Timeline";

const PHRASES: readonly StaffKey[] = ["quick_closer", "quick_still", "quick_light", "quick_around"];
const NEAR_END_PX = 48;

export function Chat() {
  const { session } = useStaff();
  const [text, setText] = useState("");
  const list = useRef<HTMLDivElement>(null);
  const count = session.events.value.length + session.pending.value.length;

  // Each new line scrolls into view and counts as read
  useEffect(() => {
    session.markRead();
    list.current?.scrollTo({ top: list.current.scrollHeight, behavior: count > 1 ? gently() : "auto" });
  }, [count]);
  // A keyboard on the screen, a turned tablet: who was at the end stays there.
  useEffect(() => {
    const box = list.current;
    if (!box) return;
    let atEnd = true;
    const scrolled = () => {
      atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX;
    };
    const watch = new ResizeObserver(() => atEnd && box.scrollTo({ top: box.scrollHeight }));
    box.addEventListener("scroll", scrolled, { passive: true });
    watch.observe(box);
    return () => {
      box.removeEventListener("scroll", scrolled);
      watch.disconnect();
    };
  }, []);
  useEffect(() => {
    const back = () => session.markRead();
    document.addEventListener("visibilitychange", back);
    return () => document.removeEventListener("visibilitychange", back);
  }, [session]);

  const send = (event: Event) => {
    event.preventDefault();
    if (!text.trim()) return;
    session.say(text);
    setText("");
  };
  const name = session.call.value?.customer_name ?? "";
  return (
    <div class="chat">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <div class="chat-list" ref={list} role="log" aria-label={staff("chat")} tabIndex={0}>
        {count === 0 ? <p class="chat-empty muted">{staff("chat_empty", { name })}</p> : <Timeline />}
      </div>
      <ul class="phrases" aria-label={staff("quick_phrases")}>
        {PHRASES.map((key) => (
          <li key={key}>
            <button type="button" class="phrase" onClick={() => session.say(staff(key))}>
              {staff(key)}
            </button>
          </li>
        ))}
      </ul>
      <form class="composer" onSubmit={send}>
        <textarea
          class="input"
          rows={1}
          aria-label={shared("message")}
          placeholder={shared("message")}
          maxLength={4000}
          value={text}
          enterkeyhint="send"
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
          }}
        />
        <button type="submit" class="button main send" aria-label={shared("send")} disabled={!text.trim()}>
          <SendHorizontal size={22} aria-hidden="true" />
        </button>
      </form>
    </div>
  );
}
