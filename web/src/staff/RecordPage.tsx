import { ArrowLeft } from "lucide-preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { clock, dayAndTime, duration } from "../i18n/format";
import { errorText, shared } from "../i18n/shared.texts";
import { staff } from "../i18n/staff.texts";
import { type CallRecord, openRecord, type RecordDesk, talkSeconds } from "../state/staffRecord";
import "./call.css";
import "./record.css";
import { BookingCard } from "./BookingCard";
import { NoteEditor } from "./NoteEditor";
import { Thumb } from "./PictureStrip";
import { PictureViewer } from "./PictureViewer";
import { RecordChat } from "./RecordChat";
import { RecordingCard } from "./RecordingCard";
import { LanguageSwitch } from "./SignIn";
import { useStaff } from "./staffContext";

/** What a call left behind. */
export function RecordPage({ callId }: { callId: string }) {
  const { pages } = useStaff();
  const desk = useMemo(() => openRecord(callId), [callId]);
  useEffect(() => {
    void desk.load();
    return () => desk.close();
  }, [desk]);
  const loading = desk.record.value;
  const title = loading.is === "here" ? staff("record_title", { name: loading.value.call.customer_name }) : "";
  return (
    <div class="record">
      <RecordTop title={title} />
      {loading.is === "loading" && <main class="loading tall" role="status" aria-label={staff("connecting")} />}
      {loading.is === "failed" && (
        <main class="calm">
          <div class="card calm-card" role="alert">
            <h2>{staff(loading.code === "not_found" ? "not_found" : "record_unread")}</h2>
            <p>{errorText(loading.code)}</p>
            {loading.code === "not_found" ? (
              <button type="button" class="button main large" onClick={() => pages.go({ name: "desk" })}>
                {staff("back_to_desk")}
              </button>
            ) : (
              <button type="button" class="button main large" onClick={() => void desk.load()}>
                {shared("retry")}
              </button>
            )}
          </div>
        </main>
      )}
      {loading.is === "here" && <Whole record={loading.value} desk={desk} />}
    </div>
  );
}

function RecordTop({ title }: { title: string }) {
  const { pages } = useStaff();
  return (
    <header class="top record-top">
      <a
        class="button small"
        href="/staff"
        onClick={(event) => {
          event.preventDefault();
          pages.go({ name: "desk" });
        }}
      >
        <ArrowLeft size={20} aria-hidden="true" />
        {staff("back")}
      </a>
      <h1>{title}</h1>
      <LanguageSwitch />
    </header>
  );
}

function Whole({ record, desk }: { record: CallRecord; desk: RecordDesk }) {
  const { call, bookings, shop } = record;
  const zone = shop.time_zone;
  const seconds = talkSeconds(call);
  const names = record.staff.filter((one) => call.staff_ids.includes(one.id)).map((one) => one.name);
  return (
    <main class="record-main">
      <div class="record-left">
        <section class="record-facts">
          <p class="record-matter">{call.matter || staff("no_matter")}</p>
          <p class="muted">
            {[
              dayAndTime(call.created_at, zone),
              seconds === null ? staff("not_answered") : staff("talked", { time: duration(seconds) }),
              names.join(", "),
            ]
              .filter(Boolean)
              .join(" · ")}
          </p>
        </section>
        <RecordingCard record={record} desk={desk} />
        <Pictures record={record} />
      </div>
      <div class="record-right">
        {bookings.length > 0 && (
          <section class="card" aria-labelledby="record-bookings">
            <h2 id="record-bookings">{staff("bookings")}</h2>
            <div class="stack">
              {bookings.map((booking) => (
                <BookingCard key={booking.id} booking={booking} zone={zone} />
              ))}
            </div>
          </section>
        )}
        <section class="card">
          <NoteEditor callId={call.id} text={call.note ?? ""} />
        </section>
        <RecordChat record={record} />
        <Times record={record} />
      </div>
    </main>
  );
}

function Pictures({ record }: { record: CallRecord }) {
  const [open, setOpen] = useState<number | null>(null);
  const { pictures } = record;
  return (
    <section class="card" aria-labelledby="record-pictures">
      <h2 id="record-pictures">{staff("pictures")}</h2>
      {pictures.length === 0 ? (
        <p class="muted">{staff("no_pictures")}</p>
      ) : (
        <ul class="gallery">
          {pictures.map((picture, i) => (
            <li key={picture.id}>
              <Thumb picture={picture} n={i + 1} onOpen={() => setOpen(i)} />
            </li>
          ))}
        </ul>
      )}
      {open !== null && <PictureViewer pictures={pictures} at={open} onAt={setOpen} onClose={() => setOpen(null)} />}
    </section>
  );
}

function Times({ record }: { record: CallRecord }) {
  const { call, shop } = record;
  const rows = [
    ["time_created", call.created_at],
    ["time_answered", call.answered_at],
    ["time_live", call.live_at],
    ["time_ended", call.ended_at],
  ] as const;
  return (
    <section class="card" aria-labelledby="record-times">
      <h2 id="record-times">{staff("times")}</h2>
      <dl class="times">
        {rows.map(
          ([key, at]) =>
            at && (
              <div key={key}>
                <dt>{staff(key)}</dt>
                <dd>
                  <time dateTime={at}>{clock(at, shop.time_zone)}</time>
                </dd>
              </div>
            ),
        )}
      </dl>
    </section>
  );
}
