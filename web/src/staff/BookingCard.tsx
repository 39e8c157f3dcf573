import { CalendarCheck, CalendarClock, CalendarX } from "lucide-preact";
import { dayAndTime, minutes, money } from "../i18n/format";
import { shared } from "../i18n/shared.texts";
import { staff } from "../i18n/staff.texts";
import type { Booking } from "../wire/frames";

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
