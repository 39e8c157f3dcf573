import type { Booking } from "../wire/frames";

/** An iCalendar file (RFC 5545) with this one appointment, in UTC, with a reminder two hours before. */
export function calendarFile(booking: Booking, shop: string, service: string, now: Date): Blob {
  const start = new Date(booking.starts_at);
  const end = new Date(start.getTime() + booking.minutes * 60_000);
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Loupe//EN",
    "METHOD:PUBLISH",
    "BEGIN:VEVENT",
    `UID:${booking.id}@loupe`,
    `DTSTAMP:${utc(now)}`,
    `DTSTART:${utc(start)}`,
    `DTEND:${utc(end)}`,
    `SUMMARY:${text(`${service} · ${shop}`)}`,
    ...(booking.note ? [`DESCRIPTION:${text(booking.note)}`] : []),
    "BEGIN:VALARM",
    "ACTION:DISPLAY",
    "TRIGGER:-PT2H",
    `DESCRIPTION:${text(service)}`,
    "END:VALARM",
    "END:VEVENT",
    "END:VCALENDAR",
  ];
  return new Blob([`${lines.map(folded).join("\r\n")}\r\n`], { type: "text/calendar;charset=utf-8" });
}

function utc(at: Date): string {
  return `${at.toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
}

function text(raw: string): string {
  return raw.replace(/[\\;,]/g, (mark) => `\\${mark}`).replace(/\r?\n/g, "\\n");
}

/** Lines over 75 octets go on in the next one after a space (section 3.1), never inside a character. */
export function folded(line: string): string {
  const encoder = new TextEncoder();
  let out = "";
  let octets = 0;
  for (const character of line) {
    const size = encoder.encode(character).length;
    if (octets + size > 74) {
      out += "\r\n ";
      octets = 1;
    }
    out += character;
    octets += size;
  }
  return out;
}
