import { CircleCheck } from "lucide-preact";
import { duration } from "../i18n/format";
import { staff } from "../i18n/staff.texts";
import type { CallView } from "../wire/frames";
import { useStaff } from "./staffContext";

export function CallEnded({ call }: { call: CallView }) {
  const { deeds, pages } = useStaff();
  const seconds = call.live_at && call.ended_at ? (Date.parse(call.ended_at) - Date.parse(call.live_at)) / 1000 : 0;
  const name = call.customer_name;
  const why =
    call.end_reason === "customer_hung_up"
      ? "ended_customer"
      : call.end_reason === "customer_gone"
        ? "ended_gone"
        : "ended_staff";
  return (
    <main class="calm">
      <div class="card calm-card">
        <CircleCheck size={48} strokeWidth={1.5} class="good-mark" aria-hidden="true" />
        <h1>{staff("call_over")}</h1>
        <p>{staff(why, { name })}</p>
        <p class="muted">{staff("ended_summary", { name, time: duration(seconds) })}</p>
        <div class="pair">
          <button
            type="button"
            class="button large"
            onClick={() => {
              deeds.dismissEnded();
              pages.go({ name: "record", callId: call.id });
            }}
          >
            {staff("see_record")}
          </button>
          <button type="button" class="button main large" onClick={deeds.dismissEnded}>
            {staff("back_to_desk")}
          </button>
        </div>
      </div>
    </main>
  );
}
