import { Check } from "lucide-preact";
import { useState } from "preact/hooks";
import { dayAndTime } from "../i18n/format";
import { shared } from "../i18n/shared.texts";
import { staff } from "../i18n/staff.texts";
import type { LeftMessage } from "../state/staffLists";
import { Dialog } from "../ui/controls";
import { Blank, Loading } from "./PastCalls";
import { useStaff } from "./staffContext";

export function LeftMessages() {
  const { lists } = useStaff();
  const messages = lists.messages.value;
  if (!messages) return <Loading />;
  if (messages.length === 0) return <Blank title={staff("no_messages")} text={staff("no_messages_text")} />;
  return (
    <ul class="left-list">
      {messages.map((message) => (
        <Left key={message.id} message={message} />
      ))}
    </ul>
  );
}

function Left({ message }: { message: LeftMessage }) {
  const { lists, me, notices } = useStaff();
  const [large, setLarge] = useState(false);
  const photo = `/api/left-messages/${message.id}/picture.jpg`;
  const alt = staff("message_photo", { name: message.name });
  const finish = () => lists.finish(message.id).catch((error: unknown) => notices.refuse(error));
  return (
    <li class={message.done_at ? "left done" : "left"}>
      {message.picture_blob && (
        <button type="button" class="left-photo" aria-label={alt} onClick={() => setLarge(true)}>
          <img src={photo} alt="" loading="lazy" />
        </button>
      )}
      <div class="left-words">
        <p class="left-top">
          <span class="left-name">{message.name}</span>
          <time class="muted" dateTime={message.created_at}>
            {dayAndTime(message.created_at, me.shop.time_zone)}
          </time>
        </p>
        <p class="left-text">{message.text}</p>
        {message.contact && (
          <p class="left-contact">
            <span class="muted">{staff("contact")}</span> {message.contact}
          </p>
        )}
      </div>
      {message.done_at ? (
        <span class="pill good">
          <Check size={15} aria-hidden="true" />
          {staff("message_done")}
        </span>
      ) : (
        <button type="button" class="button small" onClick={() => void finish()}>
          <Check size={18} aria-hidden="true" />
          {staff("mark_done")}
        </button>
      )}
      {large && (
        <Dialog title={alt} onClose={() => setLarge(false)}>
          <img class="left-large" src={photo} alt={alt} />
          <button type="button" class="button main large" onClick={() => setLarge(false)}>
            {shared("close")}
          </button>
        </Dialog>
      )}
    </li>
  );
}
