import { CalendarCheck2, CalendarClock, CalendarX2, PhoneMissed, Video } from "lucide-preact";
import { useState } from "preact/hooks";
import { clock, dayAndTime, duration, money } from "../i18n/format";
import { ringText as it } from "../i18n/ring.texts";
import { shared } from "../i18n/shared.texts";
import { talk as t } from "../i18n/talk.texts";
import type { TalkLine } from "../state/conversation";
import type { Booking } from "../wire/frames";
import { files } from "./files.texts";
import { Recorded } from "./Recorded";
import { Viewer } from "./Viewer";

interface Props {
  line: TalkLine;
  zone: string | undefined;
  shopZone: string | undefined;
  staff: boolean;
}

/** What happened, between what was said: calls, recordings, pictures, appointments. */
export function Happened(props: Props) {
  const { line, zone, shopZone, staff } = props;
  if (line.gone) return null;
  switch (line.kind) {
    case "call":
      return <Call line={line} zone={zone} staff={staff} />;
    case "recording":
      return <Recorded line={line} staff={staff} />;
    case "picture":
      return <Picture line={line} />;
    case "booking":
      return <Appointment line={line} zone={shopZone} />;
    case "ring":
      return <Ring line={line} staff={staff} />;
    case "erased":
      return <li class="talk-event">{t("all_erased")}</li>;
    default:
      return null;
  }
}

const seconds = (line: TalkLine) => Number(line.body.seconds ?? 0);
const callPage = (line: TalkLine) => `/staff/calls/${encodeURIComponent(String(line.body.call_id ?? ""))}`;

function Call({ line, zone, staff }: Omit<Props, "shopZone">) {
  const { state } = line.body;
  const missed = state === "missed" || state === "abandoned";
  const Icon = missed ? PhoneMissed : Video;
  const reproach = state === "missed" || (missed && staff); // who gave up waiting is not told so in red
  return (
    <li class={reproach ? "talk-event missed" : "talk-event"}>
      <Icon size={17} aria-hidden="true" />
      <span>{t(state === "missed" ? "call_missed" : state === "abandoned" ? "call_abandoned" : "call_ended")}</span>
      {!missed && seconds(line) > 0 && <span>{duration(seconds(line))}</span>}
      <time dateTime={line.at}>{clock(line.at, zone)}</time>
      {staff && <a href={callPage(line)}>{t("see_call")}</a>}
    </li>
  );
}

function Picture({ line }: { line: TalkLine }) {
  const [lost, setLost] = useState(false);
  const [isOpen, setOpen] = useState(false);
  const url = `/api/pictures/${encodeURIComponent(String(line.body.picture_id ?? ""))}.jpg`;
  if (lost) return <li class="talk-event">{t("picture_lost")}</li>;
  return (
    <li class="talk-picture">
      <button type="button" class="talk-image" aria-label={files("open_picture")} onClick={() => setOpen(true)}>
        <img src={url} alt={t("picture")} loading="lazy" onError={() => setLost(true)} />
      </button>
      <span>{t("picture")}</span>
      {isOpen && <Viewer src={url} name="picture.jpg" alt={t("picture")} close={() => setOpen(false)} />}
    </li>
  );
}

const STATES = { confirmed: CalendarCheck2, declined: CalendarX2, withdrawn: CalendarX2, proposed: CalendarClock };
const TONES = { confirmed: "good", declined: "bad", withdrawn: "bad", proposed: "warn" };

function Appointment({ line, zone }: { line: TalkLine; zone: string | undefined }) {
  const booking = line.body.booking as Booking | undefined;
  if (!booking) return null;
  const Icon = STATES[booking.state] ?? CalendarClock;
  return (
    <li class="talk-card">
      <span class={`talk-card-icon ${TONES[booking.state] ?? ""}`}>
        <Icon size={22} aria-hidden="true" />
      </span>
      <div>
        <p class="talk-card-title">{booking.service}</p>
        <p>{dayAndTime(booking.starts_at, zone)}</p>
        <p class="muted">{money(booking.price, booking.currency)}</p>
      </div>
      <span class={`pill ${TONES[booking.state] ?? ""}`}>{shared(`booking_${booking.state}`)}</span>
    </li>
  );
}

/** A link to a call that waits, and what became of it. */
function Ring({ line, staff }: { line: TalkLine; staff: boolean }) {
  const path = String(line.body.path ?? "");
  const safe = /^\/s\/[A-Za-z0-9%_-]+$/.test(path);
  const answer = line.body.answer as "accepted" | "declined" | "withdrawn" | null;
  return (
    <li class="talk-card">
      <span class="talk-card-icon">
        <Video size={22} aria-hidden="true" />
      </span>
      <div>
        <p class="talk-card-title">{staff ? t("ring_ours") : t("ring", { name: line.authorName })}</p>
        {(answer || staff) && <p class="muted">{it(answer ? `ring_${answer}` : "ring_open")}</p>}
      </div>
      {!staff && safe && answer !== "withdrawn" && (
        <a class="button main small" href={path}>
          {t("join_call")}
        </a>
      )}
    </li>
  );
}
