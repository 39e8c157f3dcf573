import { Camera as CameraIcon, CircleCheck, Trash2 } from "lucide-preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { visible } from "../conversation/blank";
import { errorText, shared } from "../i18n/shared.texts";
import type { Customer } from "../state/customer";
import { newId } from "../wire/ids";
import { codeOf } from "../wire/refusal";
import { Page } from "./Page";
import { t } from "./texts";

/** A message with a photo for when nobody is there. Sent again under the same id, so that it arrives once. */
export function LeaveMessage(props: {
  customer: Customer;
  shop: string;
  name: string;
  backWord?: string;
  onBack(): void;
}) {
  const [id] = useState(newId);
  const [name, setName] = useState(props.name);
  const [contact, setContact] = useState("");
  const [text, setText] = useState("");
  const [photo, setPhoto] = useState<File | null>(null);
  const [state, setState] = useState<"writing" | "sending" | "sent">("writing");
  const [fault, setFault] = useState<string | null>(null);
  const shown = useMemo(() => (photo ? URL.createObjectURL(photo) : null), [photo]);
  useEffect(() => () => void (shown && URL.revokeObjectURL(shown)), [shown]);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (!visible(name)) return setFault(t("name_needed"));
    if (!visible(text)) return setFault(t("text_needed"));
    setFault(null);
    setState("sending");
    try {
      await props.customer.leaveMessage({ id, name: name.trim(), contact: contact.trim(), text: text.trim(), photo });
      setState("sent");
    } catch (error) {
      const unreadable = codeOf(error) === "unknown" && photo !== null;
      setFault(unreadable ? t("photo_bad") : errorText(codeOf(error)));
      setState("writing");
    }
  };

  if (state === "sent") {
    return (
      <Page shop={props.shop}>
        <div class="message" role="status">
          <CircleCheck size={48} class="good-icon" aria-hidden="true" />
          <h1>{t("message_sent")}</h1>
          <p>{t("message_sent_text")}</p>
          <button type="button" class="button large" onClick={props.onBack}>
            {props.backWord ?? shared("back")}
          </button>
        </div>
      </Page>
    );
  }

  return (
    <Page shop={props.shop}>
      <form class="leave" onSubmit={(event) => void submit(event)} noValidate>
        <h1>{t("message_title")}</h1>
        <p class="muted">{t("message_intro")}</p>
        <div class="field">
          <label for="leave-name">{t("your_name")}</label>
          <input
            id="leave-name"
            class="input"
            value={name}
            maxLength={80}
            autocomplete="name"
            onInput={(e) => setName(e.currentTarget.value)}
          />
        </div>
        <div class="field">
          <label for="leave-contact">{t("contact")}</label>
          <input
            id="leave-contact"
            class="input"
            value={contact}
            maxLength={120}
            autocomplete="tel"
            placeholder={t("contact_hint")}
            onInput={(e) => setContact(e.currentTarget.value)}
          />
        </div>
        <div class="field">
          <label for="leave-text">{t("your_message")}</label>
          <textarea
            id="leave-text"
            class="input"
            rows={4}
            value={text}
            maxLength={4000}
            onInput={(e) => setText(e.currentTarget.value)}
          />
        </div>
        {shown ? (
          <div class="photo">
            <img src={shown} alt={t("photo_alt")} />
            <button type="button" class="button small" onClick={() => setPhoto(null)}>
              <Trash2 size={18} aria-hidden="true" />
              {t("remove_photo")}
            </button>
          </div>
        ) : (
          <label class="button wide photo-button">
            <CameraIcon size={20} aria-hidden="true" />
            {t("add_photo")}
            <input
              type="file"
              accept="image/*"
              class="unseen"
              onChange={(event) => setPhoto(event.currentTarget.files?.[0] ?? null)}
            />
          </label>
        )}
        {fault && (
          <p class="note bad" role="alert">
            {fault}
          </p>
        )}
        <button type="submit" class="button main large wide" disabled={state === "sending"}>
          {state === "sending" ? shared("sending") : t("message_send")}
        </button>
        <button type="button" class="button quiet wide" onClick={props.onBack}>
          {props.backWord ?? shared("back")}
        </button>
      </form>
    </Page>
  );
}
