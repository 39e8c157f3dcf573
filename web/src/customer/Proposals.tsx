import { CalendarCheck, CalendarClock, CalendarX } from "lucide-preact";
import { useEffect, useState } from "preact/hooks";
import { dayAndTime, minutes, money } from "../i18n/format";
import { language } from "../i18n/language";
import type { Customer } from "../state/customer";
import type { Booking, Service } from "../wire/frames";
import { t } from "./texts";

const TOAST_MS = 5000;

/** What the shop proposes, with the two answers; afterwards for a moment what was answered. */
export function Proposals({ customer }: { customer: Customer }) {
  const { session } = customer;
  const open = session.bookings.value.filter((booking) => booking.state === "proposed");
  const newest = open.at(-1);
  const answered = session.bookings.value
    .filter((booking) => booking.state === "confirmed" || booking.state === "declined")
    .sort((a, b) => String(a.answered_at).localeCompare(String(b.answered_at)))
    .at(-1);
  const toast = useToast(answered, session.skewMs.value);
  return (
    <div aria-live="polite" class="proposals">
      {toast && !newest && (
        <p class={`toast ${toast.state}`}>
          {toast.state === "confirmed" ? (
            <CalendarCheck size={20} aria-hidden="true" />
          ) : (
            <CalendarX size={20} aria-hidden="true" />
          )}
          {toast.state === "confirmed" ? t("confirmed_toast") : t("declined_toast")}
        </p>
      )}
      {newest && <Proposal key={newest.id} customer={customer} booking={newest} />}
    </div>
  );
}

function Proposal({ customer, booking }: { customer: Customer; booking: Booking }) {
  const answering = customer.answering.value[booking.id];
  return (
    <section class="proposal" aria-label={t("proposal")}>
      <h2>
        <CalendarClock size={20} aria-hidden="true" />
        {serviceName(booking.service, customer.session.welcome.value?.services ?? [])}
      </h2>
      <BookingFacts booking={booking} zone={customer.session.welcome.value?.time_zone} />
      <div class="proposal-actions">
        <button
          type="button"
          class="button"
          disabled={Boolean(answering)}
          onClick={() => customer.answerBooking(booking, "decline")}
        >
          {t("decline")}
        </button>
        <button
          type="button"
          class="button main"
          disabled={Boolean(answering)}
          onClick={() => customer.answerBooking(booking, "confirm")}
        >
          {answering === "confirm" ? t("confirming") : t("confirm")}
        </button>
      </div>
    </section>
  );
}

/** The service in the reader's language where the shop has both; a service that staff typed stays as it is. */
export function serviceName(service: string, services: readonly Service[]): string {
  const known = services.find((s) => s.name === service || s.name_zh === service);
  if (!known) return service;
  return language.value === "en" ? known.name : known.name_zh || known.name;
}

export function BookingFacts({ booking, zone }: { booking: Booking; zone?: string | undefined }) {
  return (
    <div class="facts-box">
      <dl class="facts">
        <div>
          <dt>{t("when")}</dt>
          <dd>{dayAndTime(booking.starts_at, zone)}</dd>
        </div>
        <div>
          <dt>{t("takes")}</dt>
          <dd>{minutes(booking.minutes)}</dd>
        </div>
        <div>
          <dt>{t("price")}</dt>
          <dd>{money(booking.price, booking.currency)}</dd>
        </div>
      </dl>
      {booking.note && <p class="facts-note">{booking.note}</p>}
    </div>
  );
}

function useToast(booking: Booking | undefined, skewMs: number): Booking | null {
  const [shown, setShown] = useState<Booking | null>(null);
  const key = booking ? `${booking.id}${booking.state}` : "";
  useEffect(() => {
    if (!booking || Date.now() + skewMs - Date.parse(booking.answered_at ?? "") > 60_000) return;
    setShown(booking);
    const timer = setTimeout(() => setShown(null), TOAST_MS);
    return () => clearTimeout(timer);
  }, [key]);
  return shown;
}
