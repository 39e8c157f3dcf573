import { ChevronRight, Plus } from "lucide-preact";
import { createPortal } from "preact/compat";
import { useState } from "preact/hooks";
import { inboxText as it } from "../i18n/inbox.texts";
import { errorText } from "../i18n/shared.texts";
import { talk as t } from "../i18n/talk.texts";
import type { QuickReplies, QuickReply } from "../state/quickReplies";
import { Dialog } from "../ui/controls";
import { newId } from "../wire/ids";
import { codeOf } from "../wire/refusal";

/** For managers: what the shop says often, and the words of each. */
export function QuickRepliesEdit({ replies, close }: { replies: QuickReplies; close(): void }) {
  const [one, choose] = useState<QuickReply | null>(null);
  return createPortal(
    one ? (
      <One reply={one} replies={replies} done={() => choose(null)} />
    ) : (
      <Dialog title={it("replies")} onClose={close}>
        <p class="muted">{it("replies_text")}</p>
        <ul class="replies-all">
          {replies.list.value.map((reply) => (
            <li key={reply.id}>
              <button type="button" onClick={() => choose(reply)}>
                <strong>{reply.label}</strong>
                <small>{reply.text}</small>
                <ChevronRight size={20} aria-hidden="true" />
              </button>
            </li>
          ))}
        </ul>
        <button
          type="button"
          class="button main large wide"
          onClick={() => choose({ id: newId(), label: "", text: "" })}
        >
          <Plus size={20} aria-hidden="true" />
          {it("replies_new")}
        </button>
        <button type="button" class="button quiet large wide" onClick={close}>
          {t("hide_customer")}
        </button>
      </Dialog>
    ),
    document.body,
  );
}

function One({ reply, replies, done }: { reply: QuickReply; replies: QuickReplies; done(): void }) {
  const [label, setLabel] = useState(reply.label);
  const [text, setText] = useState(reply.text);
  const [fault, setFault] = useState("");
  const attempt = (deed: () => Promise<void>) => () => {
    deed().then(done, (error: unknown) => setFault(errorText(codeOf(error))));
  };
  const save = attempt(() => replies.save({ id: reply.id, label: label.trim(), text: text.trim() }));
  return (
    <Dialog title={reply.label || it("replies_new")} onClose={done}>
      <form
        class="replies-form"
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <label class="field">
          <span class="label">{it("reply_label")}</span>
          <input class="input" value={label} maxLength={40} onInput={(event) => setLabel(event.currentTarget.value)} />
        </label>
        <label class="field">
          <span class="label">{it("reply_text")}</span>
          <textarea
            class="input"
            rows={4}
            value={text}
            maxLength={2000}
            onInput={(event) => setText(event.currentTarget.value)}
          />
          <span class="hint">{it("reply_hint", { mark: "{name}" })}</span>
        </label>
        {fault && <p role="alert">{fault}</p>}
        <button type="submit" class="button main large wide" disabled={!label.trim() || !text.trim()}>
          {t("save_name")}
        </button>
        {reply.label && (
          <button
            type="button"
            class="button quiet wide replies-remove"
            onClick={attempt(() => replies.remove(reply.id))}
          >
            {t("remove")}
          </button>
        )}
        <button type="button" class="button quiet wide" onClick={done}>
          {t("back")}
        </button>
      </form>
    </Dialog>
  );
}
