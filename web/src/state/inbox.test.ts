import { describe, expect, it } from "vitest";
import type { InboxRow } from "../conversation/frames";
import { timeOf } from "./deeds";
import { belongs, inOrder, SHELVES } from "./inbox";

const row = (conversation: string, given: Partial<InboxRow> = {}): InboxRow => ({
  conversation,
  position: 1,
  name: conversation,
  state: "open",
  assignee: null,
  assignee_name: null,
  waiting_since: null,
  snoozed_until: null,
  last_at: "2026-11-22T09:00:00Z",
  preview: "",
  preview_kind: "text",
  head: 1,
  customer_head: 1,
  ...given,
});

describe("the inbox", () => {
  it("puts who waits longest on top, then what was said last", () => {
    const rows = [
      row("old", { last_at: "2026-11-20T09:00:00Z" }),
      row("fresh"),
      row("waits", { waiting_since: "2026-11-22T08:00:00Z" }),
      row("waits longer", { waiting_since: "2026-11-22T07:00:00.5Z" }),
    ];
    expect(inOrder(rows).map((each) => each.conversation)).toEqual(["waits longer", "waits", "fresh", "old"]);
  });

  it("keeps each conversation on its shelves", () => {
    const shelves = (given: Partial<InboxRow>) => SHELVES.filter((name) => belongs(row("x", given), name, "s1"));
    expect(shelves({})).toEqual(["all", "unassigned"]);
    expect(shelves({ assignee: "s1" })).toEqual(["all", "mine"]);
    expect(shelves({ assignee: "s2" })).toEqual(["all"]);
    expect(shelves({ assignee: "s1", state: "snoozed" })).toEqual(["snoozed"]);
    expect(shelves({ state: "closed" })).toEqual(["closed"]);
    expect(shelves({ waiting_since: "2026-11-22T08:00:00Z" })).toEqual(["all", "unassigned", "waiting"]);
  });
});

describe("a conversation that is put off", () => {
  it("comes back in an hour, or at nine in the morning, also over the end of a month", () => {
    const now = new Date(2026, 10, 30, 17, 20);
    expect(timeOf("in_one_hour", now)).toEqual(new Date(2026, 10, 30, 18, 20));
    expect(timeOf("tomorrow", now)).toEqual(new Date(2026, 11, 1, 9, 0));
    expect(timeOf("next_week", now)).toEqual(new Date(2026, 11, 7, 9, 0));
  });
});
