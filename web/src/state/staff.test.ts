import { describe, expect, it } from "vitest";
import type { WaitingView } from "../wire/frames";
import { daysAhead, instant, majorUnits, minorUnits, startTimes, wallTime } from "./staffBooking";
import { arrivals } from "./staffDesk";
import { openNotices } from "./staffNotices";
import { pageOf, pathOf } from "./staffPages";
import { CLOSE_ENOUGH_S, covers, inStep, playable, turnAt } from "./staffPlayback";
import { drawingOf, pictureUrl, talkSeconds } from "./staffRecord";

describe("the shop's wall clock", () => {
  const shanghai = "Asia/Shanghai";

  it("shows the same instant in the shop's own zone", () => {
    expect(wallTime(new Date("2026-11-22T16:30:00Z"), shanghai)).toEqual({ date: "2026-11-23", time: "00:30" });
  });

  it("gives every wall time back", () => {
    for (const zone of [shanghai, "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Auckland"]) {
      for (const date of ["2026-01-15", "2026-03-28", "2026-07-01", "2026-10-24", "2026-12-31"]) {
        for (const time of ["00:00", "09:30", "23:45"]) {
          expect(wallTime(instant({ date, time }, zone), zone)).toEqual({ date, time });
        }
      }
    }
  });

  it("a time that summer time skips becomes the one an hour later", () => {
    const skipped = instant({ date: "2026-03-29", time: "02:30" }, "Europe/Berlin");
    expect(wallTime(skipped, "Europe/Berlin")).toEqual({ date: "2026-03-29", time: "03:30" });
  });

  it("of a time that comes twice the first is meant", () => {
    expect(instant({ date: "2026-10-25", time: "02:30" }, "Europe/Berlin").toISOString()).toBe(
      "2026-10-25T00:30:00.000Z",
    );
  });

  it("days ahead begin with the shop's today and cross a year", () => {
    expect(daysAhead(new Date("2026-12-30T20:00:00Z"), shanghai, 3)).toEqual([
      "2026-12-31",
      "2027-01-01",
      "2027-01-02",
    ]);
  });

  it("today offers only times that are still ahead", () => {
    const now = new Date("2026-11-22T10:10:00Z"); // 18:10 in Shanghai
    expect(startTimes("2026-11-22", now, shanghai)).toEqual(["18:30", "19:00", "19:30", "20:00"]);
    expect(startTimes("2026-11-23", now, shanghai)[0]).toBe("09:00");
  });
});

describe("prices", () => {
  it("become minor units of their currency", () => {
    expect(minorUnits("180", "CNY")).toBe(18_000);
    expect(minorUnits(" 180,50 ", "EUR")).toBe(18_050);
    expect(minorUnits("500", "JPY")).toBe(500);
  });

  it("what is no price is none", () => {
    for (const text of ["", "abc", "-5", "1.234", "99999999"]) expect(minorUnits(text, "CNY")).toBeNull();
  });

  it("are shown without needless zeros", () => {
    expect(majorUnits(18_000, "CNY")).toBe("180");
    expect(majorUnits(18_050, "CNY")).toBe("180.50");
  });
});

describe("the line", () => {
  const one = (id: string): WaitingView => ({
    customer_id: "ann",
    call_id: id,
    name: id,
    matter: "",
    since: "",
    connected: true,
    number: 1,
  });

  it("only who was not there before has arrived", () => {
    expect(arrivals([one("a"), one("b")], [one("b"), one("c")]).map((w) => w.call_id)).toEqual(["c"]);
  });
});

describe("addresses", () => {
  it("a call's page has its own address, all else is the desk", () => {
    expect(pageOf("/staff/calls/abc-1")).toEqual({ name: "record", callId: "abc-1" });
    for (const path of ["/staff", "/staff/", "/staff/calls/", "/staff/calls/a/b"])
      expect(pageOf(path)).toEqual({ name: "desk" });
    expect(pageOf(pathOf({ name: "record", callId: "x" }))).toEqual({ name: "record", callId: "x" });
  });

  it("a picture's address changes with its content", () => {
    expect(pictureUrl({ id: "p", blob: "aaa.jpg" })).not.toBe(pictureUrl({ id: "p", blob: "bbb.jpg" }));
  });
});

describe("playing in step", () => {
  it("leaves alone what is close enough", () => {
    expect(inStep(10, 10 + CLOSE_ENOUGH_S / 2, 1.5)).toEqual({ jumpTo: null, rate: 1.5 });
  });

  it("jumps when far off", () => {
    expect(inStep(10, 4, 1)).toEqual({ jumpTo: 10, rate: 1 });
  });

  it("catches up within a second and a half from any small drift and stays within 40 ms", () => {
    for (const start of [-0.34, -0.1, -0.041, 0.041, 0.1, 0.34]) {
      let [lead, follower] = [10, 10 + start];
      for (let t = 0; t < 4; t += 0.1) {
        const { rate } = inStep(lead, follower, 1);
        lead += 0.1;
        follower += 0.1 * rate;
      }
      expect(Math.abs(lead - follower)).toBeLessThan(0.04);
    }
  });

  it("a shorter file is not asked for what it does not hold", () => {
    expect(covers(12, 10)).toBe(false);
    expect(covers(12, Number.POSITIVE_INFINITY)).toBe(true);
  });

  it("the customer leads, and each colleague plays from a file of their own", () => {
    expect(playable(["call", "staff", "customer"])).toEqual(["customer", "staff"]);
    expect(playable(["call", "staff", "staff-1", "customer", "staff-li"])).toEqual(["customer", "staff-1", "staff-li"]);
  });

  it("turns the picture with the phone", () => {
    const rotations = [
      { at_s: 0, degrees: 90 },
      { at_s: 5, degrees: 0 },
    ];
    const tracks = [
      { kind: "audio", label: "customer" },
      { kind: "video", label: "customer", rotation: 90, rotations },
    ];
    expect(turnAt(tracks, "customer", 1)).toBe(0);
    expect(turnAt(tracks, "customer", 6)).toBe(270);
    expect(turnAt(tracks, "staff-1", 6)).toBe(0);
  });
});

describe("the record", () => {
  it("a call that nobody answered has no talk", () => {
    expect(talkSeconds({ live_at: null, ended_at: "2026-11-22T10:00:00Z" })).toBeNull();
    expect(talkSeconds({ live_at: "2026-11-22T09:59:00Z", ended_at: "2026-11-22T10:00:00Z" })).toBe(60);
  });

  it("what is no stroke is not drawn", () => {
    const picture = {
      id: "p",
      call_id: "c",
      taken_by: "s",
      taken_at: "",
      width: 1,
      height: 1,
      source: "stream" as const,
      blob: "b",
    };
    expect(drawingOf({ ...picture, strokes: [{ id: "x" }] as never })).toEqual([]);
  });
});

describe("short news", () => {
  it("can be taken back by its id when it is no longer true, also when it was told again", () => {
    const notices = openNotices();
    notices.tell("plain", () => "The customer is asked");
    const id = notices.tell("plain", () => "The customer is asked");
    notices.tell("good", () => "Proposal sent");
    notices.dismiss(id);
    expect(notices.list.value.map((notice) => notice.words())).toEqual(["Proposal sent"]);
  });
});
