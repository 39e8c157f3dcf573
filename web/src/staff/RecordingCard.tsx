import { Clapperboard, Download, FilmIcon, Hourglass, TriangleAlert, VideoOff } from "lucide-preact";
import type { JSX } from "preact";
import { errorText, shared } from "../i18n/shared.texts";
import type { StaffKey } from "../i18n/staff.en";
import { staff } from "../i18n/staff.texts";
import { playable } from "../state/staffPlayback";
import type { CallRecord, RecordDesk } from "../state/staffRecord";
import { RecordPlayer } from "./RecordPlayer";

const STATES: Record<string, readonly [StaffKey, StaffKey, JSX.Element]> = {
  none: ["record_none", "record_none_text", <VideoOff size={36} strokeWidth={1.5} key="i" />],
  finishing: ["record_finishing", "record_finishing_text", <Hourglass size={36} strokeWidth={1.5} key="i" />],
  recording: ["record_live", "record_live_text", <Clapperboard size={36} strokeWidth={1.5} key="i" />],
  failed: ["record_failed", "record_failed_text", <TriangleAlert size={36} strokeWidth={1.5} key="i" />],
};

/** The recording: playable when it is ready, else why not. */
export function RecordingCard({ record, desk }: { record: CallRecord; desk: RecordDesk }) {
  const { recording, call } = record;
  const files = playable(Object.keys(recording.files));
  if (recording.state === "ready" && files.length > 0) {
    return (
      <section class="card recording" aria-label={staff("recording")}>
        <RecordPlayer recording={recording} files={files} people={people(record)} />
        <Share desk={desk} callId={call.id} />
      </section>
    );
  }
  const over = call.state === "ended" || call.state === "abandoned" || call.state === "missed";
  const state =
    recording.state === "ready" ? "failed" : recording.state === "recording" && over ? "finishing" : recording.state;
  const [title, text, icon] = STATES[state] ?? (STATES.none as (typeof STATES)[string] & object);
  return (
    <section class={`card recording-state ${state}`} aria-label={staff("recording")} role="status">
      <span aria-hidden="true">{icon}</span>
      <div>
        <h2>{staff(title)}</h2>
        <p class="muted">{staff(text)}</p>
      </div>
    </section>
  );
}

/** Names by file. The colleague who answered is the first of the shop who joined, also after a hand-over. */
function people(record: CallRecord): Record<string, string> {
  const joined = record.events.find((event) => event.kind === "joined" && event.side === "staff");
  const lead = joined?.author_name ?? record.staff[0]?.name ?? staff("staff_member");
  const colleagues = Object.fromEntries(record.staff.map((one) => [`staff-${one.id}`, one.name]));
  return { customer: record.call.customer_name, staff: lead, "staff-1": lead, ...colleagues };
}

function Share({ desk, callId }: { desk: RecordDesk; callId: string }) {
  const { state, progress, message } = desk.composition.value;
  const percent = Math.round(progress * 100);
  return (
    <div class="share">
      <span class="share-icon" aria-hidden="true">
        <FilmIcon size={24} />
      </span>
      <div class="share-words">
        <p class="share-title">{staff(state === "working" ? "share_working" : "share_file")}</p>
        {state === "working" ? (
          <progress max={1} value={progress} aria-label={staff("share_working")}>
            {percent} %
          </progress>
        ) : (
          <p class="muted">
            {state === "failed" ? `${staff("share_failed")} ${failure(message)}` : staff("share_text")}
          </p>
        )}
      </div>
      {state === "working" && <output class="share-percent">{percent} %</output>}
      {state === "ready" && (
        <a class="button main" href={`/api/calls/${callId}/composition/file`} download>
          <Download size={20} aria-hidden="true" />
          {staff("share_download")}
        </a>
      )}
      {(state === "none" || state === "failed") && (
        <button type="button" class="button" onClick={() => void desk.compose()}>
          {state === "failed" ? shared("retry") : staff("share_make")}
        </button>
      )}
    </div>
  );
}

/** The server's own sentence is English; a code of ours has one in both languages. */
function failure(message: string): string {
  return /^[a-z_]+$/.test(message) ? errorText(message) : "";
}
