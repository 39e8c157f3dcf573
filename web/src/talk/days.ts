import { language } from "../i18n/language";
import { talk } from "../i18n/talk.texts";
import { serverNow } from "../wire/serverClock";

/** Days and times as a conversation says them; `zone` is the shop's, or the reader's own. */
export function dayKey(at: string, zone?: string): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" }).format(new Date(at));
}

export function dayName(at: string, zone?: string, now = new Date(serverNow())): string {
  const key = dayKey(at, zone);
  if (key === dayKey(now.toISOString(), zone)) return talk("today");
  if (key === dayKey(new Date(now.getTime() - 86_400_000).toISOString(), zone)) return talk("yesterday");
  const date = new Date(at);
  const thisYear = date.getFullYear() === now.getFullYear();
  return new Intl.DateTimeFormat(language.value === "en" ? "en-GB" : "zh-CN", {
    weekday: thisYear ? "short" : undefined,
    day: "numeric",
    month: language.value === "en" ? "short" : "long",
    year: thisYear ? undefined : "numeric",
    timeZone: zone,
  }).format(date);
}
