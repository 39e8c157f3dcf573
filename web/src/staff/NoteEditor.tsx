import { useEffect, useId, useRef, useState } from "preact/hooks";
import { staff } from "../i18n/staff.texts";
import { useStaff } from "./staffContext";

const SAVE_AFTER_MS = 700;
type Kept = "saved" | "unsaved" | "saving";

/** The private note of a call. Saves itself after a pause in typing, and when it is left. */
export function NoteEditor({ callId, text }: { callId: string; text: string }) {
  const { deeds, notices } = useStaff();
  const id = useId();
  const [value, setValue] = useState(text);
  const [kept, setKept] = useState<Kept>("saved");
  const now = useRef({ value: text, kept: "saved" as Kept, timer: 0 });
  // At once, not with the next paint: an effect may come between a key and the paint that shows it.
  const turn = (next: Kept, written = now.current.value) => {
    Object.assign(now.current, { value: written, kept: next });
    setValue(written);
    setKept(next);
  };

  // A colleague wrote: taken over unless something of one's own waits to be saved.
  useEffect(() => {
    if (now.current.kept === "saved") turn("saved", text);
  }, [text]);

  const save = async () => {
    clearTimeout(now.current.timer);
    const saving = now.current.value;
    turn("saving");
    try {
      await deeds.saveNote(callId, saving);
      turn(now.current.value === saving ? "saved" : "unsaved");
    } catch (error) {
      turn("unsaved");
      notices.refuse(error);
    }
  };
  const type = (next: string) => {
    turn("unsaved", next);
    clearTimeout(now.current.timer);
    now.current.timer = window.setTimeout(() => void save(), SAVE_AFTER_MS);
  };
  // What is not saved yet goes out when the note is closed
  useEffect(
    () => () => {
      if (now.current.kept === "unsaved") void save();
    },
    [],
  );

  return (
    <div class="note-editor">
      <label class="label" for={id}>
        {staff("note_label")}
      </label>
      <textarea
        id={id}
        class="input"
        maxLength={4000}
        value={value}
        aria-describedby={`${id}-h`}
        onInput={(event) => type(event.currentTarget.value)}
        onBlur={() => kept === "unsaved" && void save()}
      />
      <p class="note-facts muted" id={`${id}-h`}>
        <span>{staff("note_hint")}</span>
        <span role="status">{value || kept !== "saved" ? staff(`note_${kept}`) : ""}</span>
      </p>
    </div>
  );
}
