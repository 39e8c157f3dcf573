import { afterEach, expect, it, vi } from "vitest";
import { timeOf } from "../state/deeds";
import { dayName } from "../talk/days";
import { serverNow, toldServerTime } from "./serverClock";

afterEach(() => void vi.useRealTimers());

it.each([-1, 1])("a device whose clock is a year off (%i) goes by the server's", (years) => {
  vi.useFakeTimers({ now: Date.UTC(2026 + years, 10, 22, 9) });
  const now = "2026-11-22T09:00:00Z";
  toldServerTime(now);
  expect(serverNow()).toBe(Date.parse(now));
  expect(timeOf("in_one_hour").toISOString()).toBe("2026-11-22T10:00:00.000Z");
  expect([dayName(now), dayName("2026-11-21T09:00:00Z")]).toEqual(["Today", "Yesterday"]);
});
