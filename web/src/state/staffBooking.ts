/** Wall-clock times of a shop, in its own time zone. Dates are "2026-11-24", times "15:30". */
export interface WallTime {
  date: string;
  time: string;
}

const two = (n: number): string => String(n).padStart(2, "0");

/** What the clock on the shop's wall shows at this instant. */
export function wallTime(at: Date, timeZone: string): WallTime {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
  }).formatToParts(at);
  const part = (type: string): string => parts.find((p) => p.type === type)?.value ?? "";
  return { date: `${part("year")}-${part("month")}-${part("day")}`, time: `${part("hour")}:${part("minute")}` };
}

/** The instant at which the shop's wall clock shows this. A time that summer time skips becomes the one an hour later; of
 * a time that comes twice, the first is meant. */
export function instant(wall: WallTime, timeZone: string): Date {
  const [year = 0, month = 1, day = 1] = wall.date.split("-").map(Number);
  const [hour = 0, minute = 0] = wall.time.split(":").map(Number);
  const asUtc = Date.UTC(year, month - 1, day, hour, minute);
  const offsetAt = (ms: number): number => {
    const shown = wallTime(new Date(ms), timeZone);
    const [y = 0, m = 1, d = 1] = shown.date.split("-").map(Number);
    const [h = 0, min = 0] = shown.time.split(":").map(Number);
    return Date.UTC(y, m - 1, d, h, min) - Math.floor(ms / 60_000) * 60_000;
  };
  // The zone's offset a day before and after: around a change of the clocks one of the two is right.
  const guesses = [asUtc - offsetAt(asUtc - 86_400_000), asUtc - offsetAt(asUtc + 86_400_000)];
  const fits = guesses.filter((ms) => asUtc - offsetAt(ms) === ms);
  return new Date(fits.length ? Math.min(...fits) : Math.max(...guesses));
}

/** The next `count` days in the shop's zone, today first. */
export function daysAhead(now: Date, timeZone: string, count: number): string[] {
  const [year = 0, month = 1, day = 1] = wallTime(now, timeZone).date.split("-").map(Number);
  return Array.from({ length: count }, (_, i) => {
    const date = new Date(Date.UTC(year, month - 1, day + i));
    return `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
  });
}

/** Half-hour starts from `from` to `to` o'clock; on the day of `now` only those still ahead. */
export function startTimes(date: string, now: Date, timeZone: string, from = 9, to = 20): string[] {
  const today = wallTime(now, timeZone);
  const times = Array.from(
    { length: (to - from) * 2 + 1 },
    (_, i) => `${two(from + Math.floor(i / 2))}:${i % 2 ? "30" : "00"}`,
  );
  return date === today.date ? times.filter((time) => time > today.time) : times;
}

/** How many digits a currency has after the point. */
export function minorDigits(currency: string): number {
  return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
}

/** "180" or "180.50" to minor units; null for what is no price. */
export function minorUnits(text: string, currency: string): number | null {
  const clean = text.trim().replace(",", ".");
  if (!/^\d{1,7}(\.\d{0,2})?$/.test(clean)) return null;
  const units = Math.round(Number(clean) * 10 ** minorDigits(currency));
  return units <= 100_000_000 ? units : null;
}

export function majorUnits(price: number, currency: string): string {
  const digits = minorDigits(currency);
  const text = (price / 10 ** digits).toFixed(digits);
  return text.replace(/\.0+$/, "");
}
