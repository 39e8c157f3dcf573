import type { StaffKey } from "../i18n/staff.en";
import { staff } from "../i18n/staff.texts";
import { useInbox } from "../inbox/inboxContext";
import type { Talk } from "../state/conversation";
import { Composer } from "../talk/Composer";
import { Lines } from "../talk/Lines";
import { LinkNote } from "../talk/State";
import "../talk/talk.css";
import "../talk/talk-parts.css";
import "../talk/talk-room.css";
import { useStaff } from "./staffContext";

const PHRASES: readonly StaffKey[] = ["quick_closer", "quick_still", "quick_light", "quick_around"];

/** The conversation with the customer, as it is in the inbox. */
export function Chat({ talk }: { talk: Talk | null }) {
  const { me, session } = useStaff();
  const inbox = useInbox();
  const zone = me.shop.time_zone;
  if (!talk) return <div class="talk talk-room" />;
  const name = session.call.value?.customer_name ?? "";
  return (
    <div class="talk talk-room">
      <Lines talk={talk} zone={zone} shopZone={zone} blank={<p class="muted">{staff("chat_empty", { name })}</p>} />
      <LinkNote talk={talk} status={inbox.status.value} />
      <Composer talk={talk} inCall extra={<Phrases talk={talk} />} />
    </div>
  );
}

/** What one says again and again while looking: one tap, at once. */
function Phrases({ talk }: { talk: Talk }) {
  return (
    <ul class="phrases" aria-label={staff("quick_phrases")}>
      {PHRASES.map((key) => (
        <li key={key}>
          <button type="button" class="phrase" onClick={() => void talk.write("text", { text: staff(key) })}>
            {staff(key)}
          </button>
        </li>
      ))}
    </ul>
  );
}
