import { describe, expect, it } from "vitest";
import type { Booking } from "../wire/frames";
import { calendarFile, folded } from "./calendar";

const booking = {
  id: "b1",
  starts_at: "2026-11-24T07:30:00Z",
  minutes: 90,
  note: "Bring the bag; thank you,\nAnna",
} as Booking;

describe("the calendar file", () => {
  it("holds the appointment in UTC, with its text escaped", async () => {
    const text = await calendarFile(booking, "Shop", "Polish", new Date("2026-11-22T00:00:00Z")).text();
    expect(text).toContain("DTSTART:20261124T073000Z\r\nDTEND:20261124T090000Z\r\n");
    expect(text).toContain("DESCRIPTION:Bring the bag\\; thank you\\,\\nAnna\r\n");
    expect(text.endsWith("END:VCALENDAR\r\n")).toBe(true);
  });

  it("folds long lines between characters, never over 75 octets", () => {
    const line = `SUMMARY:${"皮具护理".repeat(20)}`;
    const rows = folded(line).split("\r\n");
    for (const row of rows) expect(new TextEncoder().encode(row).length).toBeLessThanOrEqual(75);
    expect(rows.map((row, index) => (index ? row.slice(1) : row)).join("")).toBe(line);
  });
});
