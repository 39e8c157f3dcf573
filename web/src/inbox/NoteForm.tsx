import { AtSign } from "lucide-preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { visible } from "../conversation/blank";
import { inboxText as it } from "../i18n/inbox.texts";
import { talk as t } from "../i18n/talk.texts";
import type { Colleague } from "../state/colleagues";
import { named, naming } from "../state/mentions";
import { writeInto } from "../ui/writeInto";
import { useInbox } from "./inboxContext";

/** A note for the shop; `@` names a colleague, who then hears of it. */
export function NoteForm({ save }: { save(text: string, mentions: string[]): Promise<void> }) {
  const { colleagues } = useInbox();
  const field = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState("");
  const [caret, setCaret] = useState(0);
  const [picked, setPicked] = useState<Colleague[]>([]);
  const [at, setAt] = useState(0);
  const typed = naming(text.slice(0, caret));
  const matches = (one: Colleague) => one.name.toLowerCase().includes((typed ?? "").toLowerCase());
  const found = typed === null ? [] : colleagues.list.value.filter(matches);
  const chosen = Math.min(at, found.length - 1);
  useEffect(() => void colleagues.load(), [colleagues]);
  const names = useRef<HTMLUListElement>(null);
  const asks = typed !== null;
  useEffect(() => {
    if (asks) names.current?.scrollIntoView({ block: "nearest" });
  }, [asks]);

  const place = (next: string, end: number) => {
    setText(next);
    setCaret(end);
    setAt(0);
    if (field.current) writeInto(field.current, next, end);
  };
  const pick = (one: Colleague | undefined) => {
    if (!one || typed === null) return;
    const start = caret - typed.length - 1;
    const said = `@${one.name} `;
    setPicked([...picked, one]);
    place(text.slice(0, start) + said + text.slice(caret), start + said.length);
  };
  const begin = () => {
    const before = text.slice(0, caret);
    const mark = before && !/\s$/.test(before) ? " @" : "@";
    place(before + mark + text.slice(caret), caret + mark.length);
  };
  const submit = (event?: Event) => {
    event?.preventDefault();
    const said = visible(text);
    if (!said) return;
    const mentions = named(said, picked).map((one) => one.id);
    save(said, mentions).catch(() => setText(said)); // there is no room in this browser
    setText("");
    setPicked([]);
  };
  const key = (event: KeyboardEvent) => {
    if (event.isComposing || event.keyCode === 229) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") return submit(event);
    if (!found.length) return;
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step) setAt((chosen + step + found.length) % found.length);
    else if (event.key === "Enter" || event.key === "Tab") pick(found[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <form onSubmit={submit}>
      <textarea
        ref={field}
        class="input note-field"
        dir="auto"
        rows={2}
        value={text}
        maxLength={4000}
        aria-label={t("note_new")}
        placeholder={it("note_placeholder")}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setCaret(event.currentTarget.selectionStart);
          setAt(0);
        }}
        onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
        onKeyDown={key}
      />
      {typed !== null && (
        <ul class="note-names" ref={names} aria-label={it("mention_whom")}>
          {found.map((one, i) => (
            <li key={one.id}>
              <button type="button" class={i === chosen ? "chosen" : ""} onClick={() => pick(one)}>
                {one.name}
              </button>
            </li>
          ))}
          {found.length === 0 && <li class="muted">{it("mention_nobody")}</li>}
        </ul>
      )}
      <div class="note-end">
        <button type="button" class="icon-button" aria-label={it("mention")} title={it("mention")} onClick={begin}>
          <AtSign size={20} aria-hidden="true" />
        </button>
        {visible(text) ? (
          <button type="submit" class="button main small">
            {t("note_save")}
          </button>
        ) : (
          <p class="muted">{t("notes_hint")}</p>
        )}
      </div>
    </form>
  );
}
