import { shared } from "../i18n/shared.texts";
import { staff } from "../i18n/staff.texts";
import { lineOf } from "../state/conversation";
import type { CallRecord } from "../state/staffRecord";
import { Written } from "../talk/Written";
import type { CallEvent } from "../wire/frames";
import { useStaff } from "./staffContext";
import "../talk/talk.css";
import "../talk/talk-parts.css";

/** What both wrote during the call, and who came and went. */
export function RecordChat({ record }: { record: CallRecord }) {
  const { me } = useStaff();
  const lines = record.said.map((entry) => lineOf(entry, { id: me.staff.id, side: "staff" }));
  const happened = record.events.flatMap((event) => {
    const words = happening(event);
    const what = (
      <li key={event.position} class="talk-event">
        {words}
      </li>
    );
    return words ? [{ at: event.at, what }] : [];
  });
  return (
    <section class="card" aria-labelledby="record-chat">
      <h2 id="record-chat">{staff("chat")}</h2>
      {lines.length + happened.length === 0 ? (
        <p class="muted">{staff("no_chat")}</p>
      ) : (
        <Written lines={lines} talk={null} staff zone={record.shop.time_zone} happened={happened} />
      )}
    </section>
  );
}

function happening(event: CallEvent): string | null {
  const name = event.author_name;
  if (event.kind === "joined") return shared("joined", { name });
  if (event.kind === "left") return shared("left", { name });
  if (event.kind === "consent") return staff(event.body.recording ? "consent_given" : "consent_withdrawn", { name });
  if (event.kind === "recording") return staff(event.body.paused ? "recording_stopped" : "recording_started");
  return null;
}
