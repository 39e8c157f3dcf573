import { CalendarPlus, CircleCheck, Download, MessageCircle } from "lucide-preact";
import { useState } from "preact/hooks";
import { Marks } from "../board/Marks";
import { duration } from "../i18n/format";
import { shared } from "../i18n/shared.texts";
import type { Customer } from "../state/customer";
import type { PictureView } from "../state/session";
import type { Booking } from "../wire/frames";
import { calendarFile } from "./calendar";
import { useChatParts } from "./chatParts";
import { LeaveMessage } from "./LeaveMessage";
import { Page } from "./Page";
import { BookingFacts, serviceName } from "./Proposals";
import { t } from "./texts";

/** After the call: thanks, what was agreed, the pictures and the messages. Complete also after a reload. */
export function GoodbyePage({ customer, shop }: { customer: Customer; shop: string }) {
  const { session } = customer;
  const [writing, setWriting] = useState(false);
  const past = customer.past.value;
  const call = past?.call ?? session.call.value;
  const name = session.call.value?.customer_name ?? customer.entered.value?.customer.name ?? "";
  const bookings = (past?.bookings ?? session.bookings.value).filter((booking) => booking.state === "confirmed");
  const pictures = past?.pictures ?? session.pictures.value;
  const chat = useChatParts(true);
  if (writing) return <LeaveMessage customer={customer} shop={shop} name={name} onBack={() => setWriting(false)} />;

  const talked = Boolean(call?.live_at);
  const reason = call?.end_reason;
  const sentence =
    call?.state === "missed"
      ? t("missed_text")
      : !talked
        ? t("left_text")
        : reason === "customer_gone" || reason === "staff_gone"
          ? t("gone_text")
          : bookings.length
            ? t("ended_text")
            : t("ended_plain");
  const seconds = call?.live_at && call.ended_at ? (Date.parse(call.ended_at) - Date.parse(call.live_at)) / 1000 : 0;
  return (
    <Page shop={shop}>
      <div class="goodbye">
        <div class="goodbye-words" role="status">
          {talked && <CircleCheck size={44} class="good-icon" aria-hidden="true" />}
          <h1>{name ? t("thanks", { name }) : t("thanks_plain")}</h1>
          <p>{sentence}</p>
          {seconds > 0 && <p class="muted">{t("length", { time: duration(seconds) })}</p>}
        </div>
        {bookings.map((booking) => (
          <Appointment key={booking.id} booking={booking} customer={customer} shop={shop} />
        ))}
        {pictures.length > 0 && (
          <section class="card">
            <h2>{t("your_pictures")}</h2>
            <ul class="pictures">
              {pictures.map((picture, index) => (
                <Kept key={picture.id} picture={picture} n={index + 1} />
              ))}
            </ul>
          </section>
        )}
        {chat && (
          <chat.CallWords chat={customer.chat.value} past={past} me={customer.entered.value?.customer.id ?? ""} />
        )}
        <div class="goodbye-actions">
          {!talked && (
            <button type="button" class="button wide" onClick={() => setWriting(true)}>
              {t("leave_message")}
            </button>
          )}
          <button type="button" class={talked ? "button wide" : "button main wide"} onClick={customer.again}>
            {t("call_again")}
          </button>
          <a class="button quiet wide" href={`${location.pathname.replace(/\/$/, "")}/chat`}>
            <MessageCircle size={20} aria-hidden="true" />
            {t("write_again")}
          </a>
        </div>
      </div>
    </Page>
  );
}

function Appointment({ booking, customer, shop }: { booking: Booking; customer: Customer; shop: string }) {
  const welcome = customer.session.welcome.value;
  const service = serviceName(booking.service, welcome?.services ?? []);
  const save = () => download(calendarFile(booking, shop, service, new Date()), "appointment.ics");
  return (
    <section class="card appointment">
      <p class="pill good">{shared("booking_confirmed")}</p>
      <h2>{service}</h2>
      <BookingFacts booking={booking} zone={welcome?.time_zone} />
      <button type="button" class="button main wide" onClick={save}>
        <CalendarPlus size={20} aria-hidden="true" />
        {t("add_calendar")}
      </button>
    </section>
  );
}

function Kept({ picture, n }: { picture: PictureView; n: number }) {
  const url = `/api/pictures/${picture.id}.jpg`;
  const [failed, setFailed] = useState(false);
  if (failed) return null;
  return (
    <li class="kept">
      <div class="kept-picture" style={{ aspectRatio: `${picture.width} / ${picture.height}` }}>
        <img src={url} alt={t("picture_alt", { n })} loading="lazy" onError={() => setFailed(true)} />
        <Marks strokes={picture.strokes} aspect={picture.width / Math.max(1, picture.height)} />
      </div>
      <a class="button small" href={url} download={`loupe-${n}.jpg`}>
        <Download size={18} aria-hidden="true" />
        {t("save_picture")}
      </a>
    </li>
  );
}

function download(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
