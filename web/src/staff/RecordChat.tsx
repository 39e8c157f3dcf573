import { staff } from "../i18n/staff.texts";
import type { ChatLine } from "../state/session";
import type { CallRecord } from "../state/staffRecord";
import { Events } from "./Timeline";

/** The call's stream as it was. Everything of the shop stands on one side. */
export function RecordChat({ record }: { record: CallRecord }) {
  const said = record.events.filter((event) => event.kind !== "booking" && event.kind !== "picture");
  const lines = new Map(
    said
      .filter((event) => event.kind === "message")
      .map((event): [string, ChatLine] => [
        event.cmid,
        {
          cmid: event.cmid,
          text: String(event.body.text ?? ""),
          at: event.at,
          mine: event.side === "staff",
          author: event.author,
          authorName: event.author_name,
          position: event.position,
          state: "read",
          code: null,
        },
      ]),
  );
  return (
    <section class="card" aria-labelledby="record-chat">
      <h2 id="record-chat">{staff("chat")}</h2>
      {said.length === 0 ? (
        <p class="muted">{staff("no_chat")}</p>
      ) : (
        <ol class="timeline on-paper">
          <Events events={said} bookings={[]} pictures={[]} lines={lines} zone={record.shop.time_zone} />
        </ol>
      )}
    </section>
  );
}
