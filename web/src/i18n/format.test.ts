import { afterEach, describe, expect, it } from "vitest";
import { dayAndTime, duration, minutes, money } from "./format";
import { language } from "./language";

afterEach(() => {
  language.value = "en";
});

describe("money and time", () => {
  it("shows prices in the currency's own decimals", () => {
    language.value = "en";
    expect(money(26800, "CNY")).toMatch(/268$/);
    expect(money(26850, "CNY")).toMatch(/268\.50$/);
    expect(money(500, "JPY")).toMatch(/500$/);
  });

  it("shows the shop's time, whatever the phone's zone", () => {
    language.value = "en";
    expect(dayAndTime("2026-11-24T07:30:00Z", "Asia/Shanghai")).toMatch(/Tue.*24.*Nov.*15:30/);
    language.value = "zh-CN";
    expect(dayAndTime("2026-11-24T07:30:00Z", "Asia/Shanghai")).toMatch(/11月24日.*15:30/);
  });

  it("speaks of minutes and hours", () => {
    language.value = "en";
    expect([minutes(45), minutes(60), minutes(90)]).toEqual(["45 min", "1 h", "1 h 30 min"]);
    language.value = "zh-CN";
    expect(minutes(90)).toBe("1小时30分钟");
    expect([duration(7), duration(187), duration(3729)]).toEqual(["0:07", "3:07", "1:02:09"]);
  });
});
