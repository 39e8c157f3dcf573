import { CalendarCheck, CalendarClock, CalendarX, Check, CheckCheck, CircleAlert, Clock3 } from "lucide-preact";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { clock, dayAndTime, minutes, money } from "../i18n/format";
import { shared } from "../i18n/shared.texts";
import { staff } from "../i18n/staff.texts";
import type { ChatLine, PictureView } from "../state/session";
import type { Booking, CallEvent } from "../wire/frames";
import { Thumb } from "./PictureStrip";
import { PictureViewer } from "./PictureViewer";
import { useStaff } from "./staffContext";

/** Everything that happened in the call, in order. */
export function Timeline() {
  const { session, me } = useStaff();
  const zone = me.shop.time_zone;
  const lines = new Map(session.chat.value.map((line) => [line.cmid, line]));
  const pending = session.chat.value.filter((line) => line.position === 0);
  return (
    <ol class="timeline">
      <Events
        events={session.events.value}
        bookings={session.bookings.value}
        pictures={session.pictures.value}
        lines={lines}
        zone={zone}
      />
      {pending.map((line) => (
        <Bubble key={line.cmid} line={line} zone={zone} onAgain={() => session.sayAgain(line.cmid)} />
      ))}
    </ol>
  );
}

interface EventsProps {
  events: readonly CallEvent[];
  bookings: readonly Booking[];
  pictures: readonly PictureView[];
  /** Messages by their cmid, with what the other side has seen. */
  lines: ReadonlyMap<string, ChatLine>;
  zone: string;
}

export function Events({ events, bookings, pictures, lines, zone }: EventsProps) {
  const [open, setOpen] = useState<number | null>(null);
  // A booking is shown once, where it last changed.
  const lastOf = new Map<string, number>();
  for (const event of events) {
    const booking = event.kind === "booking" ? (event.body.booking as Booking | undefined) : undefined;
    if (booking) lastOf.set(booking.id, event.position);
  }
  const draw = (event: CallEvent): JSX.Element | null => {
    const key = event.position;
    if (event.kind === "message") {
      const line = lines.get(event.cmid);
      return line ? <Bubble key={key} line={line} zone={zone} /> : null;
    }
    if (event.kind === "booking") {
      const said = event.body.booking as Booking | undefined;
      const booking = bookings.find((b) => b.id === said?.id);
      if (!booking || lastOf.get(booking.id) !== event.position) return null;
      return (
        <li key={key}>
          <BookingCard booking={booking} zone={zone} />
        </li>
      );
    }
    if (event.kind === "picture") {
      const at = pictures.findIndex((p) => p.id === (event.body.picture as PictureView | undefined)?.id);
      const picture = pictures[at];
      return picture ? (
        <li key={key} class="timeline-picture">
          <Thumb picture={picture} n={at + 1} onOpen={() => setOpen(at)} />
        </li>
      ) : null;
    }
    const words = happening(event);
    return words ? (
      <li key={key} class="happening">
        {words}
      </li>
    ) : null;
  };
  return (
    <>
      {events.map(draw)}
      {open !== null && <PictureViewer pictures={pictures} at={open} onAt={setOpen} onClose={() => setOpen(null)} />}
    </>
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

function Bubble({ line, zone, onAgain }: { line: ChatLine; zone: string; onAgain?: () => void }) {
  return (
    <li class={line.mine ? "bubble mine" : "bubble"}>
      {!line.mine && <span class="bubble-who">{line.authorName}</span>}
      <p class="bubble-text">{line.text}</p>
      <span class="bubble-facts">
        <time dateTime={line.at}>{clock(line.at, zone)}</time>
        {line.mine && <Sent line={line} />}
        {line.state === "failed" && onAgain && (
          <button type="button" class="again" onClick={onAgain}>
            {shared("retry")}
          </button>
        )}
      </span>
    </li>
  );
}

function Sent({ line }: { line: ChatLine }) {
  const marks = {
    sending: [<Clock3 size={14} key="m" />, shared("sending")],
    failed: [<CircleAlert size={14} key="m" />, shared("not_sent")],
    sent: [<Check size={14} key="m" />, shared("sent")],
    delivered: [<CheckCheck size={14} key="m" />, shared("delivered")],
    read: [<CheckCheck size={14} key="m" />, shared("read")],
  } as const;
  const [icon, words] = marks[line.state];
  return (
    <span class={`sent ${line.state}`} role="img" aria-label={words} title={words}>
      {icon}
    </span>
  );
}

const BOOKING_ICONS = { proposed: CalendarClock, confirmed: CalendarCheck, declined: CalendarX, withdrawn: CalendarX };

export function BookingCard({ booking, zone }: { booking: Booking; zone: string }) {
  const Icon = BOOKING_ICONS[booking.state];
  return (
    <article class={`booking ${booking.state}`} aria-label={staff("booking")}>
      <p class="booking-state">
        <Icon size={18} aria-hidden="true" />
        {booking.state === "proposed" ? staff("booking_waits") : shared(`booking_${booking.state}`)}
      </p>
      <p class="booking-service">{booking.service}</p>
      <p>{dayAndTime(booking.starts_at, zone)}</p>
      <p class="booking-price">
        <strong>{money(booking.price, booking.currency)}</strong>
        <span>{minutes(booking.minutes)}</span>
      </p>
      {booking.note && <p class="booking-note">{booking.note}</p>}
    </article>
  );
}
