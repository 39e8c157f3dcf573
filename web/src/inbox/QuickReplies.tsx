import { Settings2, Zap } from "lucide-preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { inboxText as it } from "../i18n/inbox.texts";
import { useStaff } from "../staff/staffContext";
import type { Talk } from "../state/conversation";
import { filled, matching, type QuickReply } from "../state/quickReplies";
import { writeInto } from "../ui/writeInto";
import { useInbox } from "./inboxContext";
import { QuickRepliesEdit } from "./QuickRepliesEdit";
import "./inbox-replies.css";

/** Sentences that the shop says often: one tap while nothing is written yet, or by `/` and some letters. */
export function QuickReplies({ talk, name }: { talk: Talk; name: string }) {
  const { me } = useStaff();
  const { replies } = useInbox();
  const [editing, edit] = useState(false);
  const [at, setAt] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const draft = talk.draft.value;
  const byKeys = /^\/[^\s/]*$/.test(draft);
  const found = byKeys ? matching(replies.list.value, draft.slice(1)) : replies.list.value;
  const manages = me.staff.role !== "clerk";
  const chosen = Math.min(at, found.length - 1);
  useEffect(() => void replies.load(), [replies, talk]);
  useLayoutEffect(() => setAt(0), [draft]);

  const insert = (reply: QuickReply | undefined) => {
    if (!reply) return;
    const text = filled(reply.text, name);
    const field = box.current?.closest("form")?.querySelector("textarea");
    talk.edited(text);
    if (field) writeInto(field, text);
  };

  // Before the field's own keys: Enter chooses here and does not send. A layout effect, because the next key
  // may come before the next paint: a quick "/ho" and Enter would be sent, a quick second Enter swallowed.
  useLayoutEffect(() => {
    const form = box.current?.closest("form");
    if (!byKeys || !found.length || !form) return;
    const pressed = (event: KeyboardEvent) => {
      if (event.isComposing || event.keyCode === 229) return;
      const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      if (step) setAt((chosen + step + found.length) % found.length);
      else if (event.key === "Enter" || event.key === "Tab") insert(found[chosen]);
      else if (event.key === "Escape") talk.edited("");
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    form.addEventListener("keydown", pressed, true);
    return () => form.removeEventListener("keydown", pressed, true);
  });

  const shown = byKeys || (draft === "" && (found.length > 0 || manages));
  return (
    <div ref={box} class={byKeys ? "replies replies-list" : "replies"}>
      {shown && (
        <ul aria-label={it("replies")}>
          {found.map((reply, i) => (
            <li key={reply.id}>
              <button
                type="button"
                class={byKeys && i === chosen ? "reply chosen" : "reply"}
                title={filled(reply.text, name)}
                onClick={() => insert(reply)}
              >
                {!byKeys && <Zap size={14} aria-hidden="true" />}
                <span>{reply.label}</span>
                {byKeys && <small>{filled(reply.text, name)}</small>}
              </button>
            </li>
          ))}
          {byKeys && found.length === 0 && <li class="reply-none">{it("replies_none_found")}</li>}
          {manages && (
            <li>
              <button type="button" class="reply reply-edit" onClick={() => edit(true)}>
                <Settings2 size={16} aria-hidden="true" />
                <span>{replies.list.value.length ? it("replies_edit") : it("replies_first")}</span>
              </button>
            </li>
          )}
        </ul>
      )}
      {editing && <QuickRepliesEdit replies={replies} close={() => edit(false)} />}
    </div>
  );
}
