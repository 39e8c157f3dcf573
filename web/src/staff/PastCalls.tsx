import { CalendarCheck, ChevronRight, PhoneIncoming, PhoneMissed, PhoneOff } from "lucide-preact";
import { clock, dayAndTime, duration, money } from "../i18n/format";
import { errorText, shared } from "../i18n/shared.texts";
import type { StaffKey } from "../i18n/staff.en";
import { staff } from "../i18n/staff.texts";
import { type KeptCall, talkSeconds } from "../state/staffRecord";
import { dayName } from "../talk/days";
import { useStaff } from "./staffContext";

export function PastCalls() {
  const { lists, me } = useStaff();
  const calls = lists.calls.value;
  if (!calls) return <Loading />;
  if (calls.length === 0) return <Blank title={staff("no_calls")} text={staff("no_calls_text")} />;
  let last = "";
  return (
    <ol class="past">
      {calls.map((call) => {
        const heading = dayName(call.created_at, me.shop.time_zone);
        const isNew = heading !== last;
        last = heading;
        return (
          <li key={call.id}>
            {isNew && <h3 class="past-day">{heading}</h3>}
            <PastCall call={call} />
          </li>
        );
      })}
      {lists.more.value && (
        <li class="past-more">
          <button type="button" class="button small" onClick={() => void lists.loadOlder()}>
            {staff("load_older")}
          </button>
        </li>
      )}
    </ol>
  );
}

const ICONS = { ended: PhoneIncoming, abandoned: PhoneOff, missed: PhoneMissed } as const;

function PastCall({ call }: { call: KeptCall }) {
  const { lists, me, pages } = useStaff();
  const seconds = talkSeconds(call);
  const booking = lists.bookings.value[call.id];
  const state = (call.state in ICONS ? call.state : "ended") as keyof typeof ICONS;
  const Icon = ICONS[state];
  return (
    <a
      class={`past-call ${state}`}
      href={`/staff/calls/${call.id}`}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey) return;
        event.preventDefault();
        pages.go({ name: "record", callId: call.id });
      }}
    >
      <span class="past-icon" aria-hidden="true">
        <Icon size={20} />
      </span>
      <span class="past-words">
        <span class="past-name">{call.customer_name}</span>
        <span class="past-matter">{call.matter || staff("no_matter")}</span>
      </span>
      {booking && (
        <span class={`pill ${booking.state === "confirmed" ? "good" : booking.state === "declined" ? "bad" : "warn"}`}>
          <CalendarCheck size={15} aria-hidden="true" />
          <span class="past-booking">
            {shared(`booking_${booking.state}`)} · {dayAndTime(booking.starts_at, me.shop.time_zone)} ·{" "}
            {money(booking.price, booking.currency)}
          </span>
        </span>
      )}
      <span class="past-facts">
        <time dateTime={call.created_at}>{clock(call.created_at, me.shop.time_zone)}</time>
        <span class="muted">{seconds === null ? staff(`state_${state}` as StaffKey) : duration(seconds)}</span>
      </span>
      <ChevronRight size={20} aria-hidden="true" class="past-go" />
    </a>
  );
}

export function Loading() {
  const { lists } = useStaff();
  const fault = lists.fault.value;
  if (!fault) return <div class="loading" role="status" aria-label={staff("connecting")} />;
  return (
    <div class="blank" role="alert">
      <p>{errorText(fault)}</p>
      <button
        type="button"
        class="button small"
        onClick={() => {
          void lists.loadCalls();
          void lists.loadMessages();
        }}
      >
        {shared("retry")}
      </button>
    </div>
  );
}

export function Blank({ title, text }: { title: string; text: string }) {
  return (
    <div class="blank">
      <p class="blank-title">{title}</p>
      <p class="muted">{text}</p>
    </div>
  );
}
