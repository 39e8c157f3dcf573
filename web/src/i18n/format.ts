import { language } from "./language";

/** `price` in minor units (cents, fen) of an ISO 4217 currency. */
export function money(price: number, currency: string): string {
  const format = new Intl.NumberFormat(language.value, {
    style: "currency",
    currency,
    currencyDisplay: "narrowSymbol",
  });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  const whole = price % 10 ** digits === 0;
  return new Intl.NumberFormat(language.value, {
    style: "currency",
    currency,
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: whole ? 0 : digits,
  }).format(price / 10 ** digits);
}

/** A day and time in the shop's zone: "Tue, 24 Nov, 15:30". */
export function dayAndTime(at: string | Date, timeZone?: string): string {
  return new Intl.DateTimeFormat(language.value === "en" ? "en-GB" : "zh-CN", {
    weekday: "short",
    day: "numeric",
    month: language.value === "en" ? "short" : "long",
    hour: "2-digit",
    minute: "2-digit",
    timeZone,
  }).format(new Date(at));
}

/** "24 Nov 2026". */
export function date(at: string, timeZone?: string): string {
  const format = { dateStyle: "medium", timeZone } as const;
  return new Intl.DateTimeFormat(language.value === "en" ? "en-GB" : "zh-CN", format).format(new Date(at));
}

export function clock(at: string | Date, timeZone?: string): string {
  return new Intl.DateTimeFormat(language.value, {
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
    timeZone,
  }).format(new Date(at));
}

/** "45 min", "1 h 30 min". */
export function minutes(count: number): string {
  const hours = Math.floor(count / 60);
  const rest = count % 60;
  const zh = language.value !== "en";
  const parts = [
    hours ? (zh ? `${hours}小时` : `${hours} h`) : "",
    rest || !hours ? (zh ? `${rest}分钟` : `${rest} min`) : "",
  ];
  return parts.filter(Boolean).join(zh ? "" : " ");
}

/** Seconds as 3:07 or 1:02:09. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
