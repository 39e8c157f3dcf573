import { describe, expect, it } from "vitest";
import { changes, merged, type ProfileFields } from "./profile";
import { filled, matching } from "./quickReplies";

const ann: ProfileFields = { name: "Ann", language: "en", tags: [], preferences: "", items: [] };

describe("a customer's profile", () => {
  it("sends only what was changed", () => {
    expect(changes(ann, { ...ann })).toEqual({});
    expect(changes(ann, { ...ann, tags: ["new"], name: "Ann" })).toEqual({ tags: ["new"] });
  });

  it("keeps what a colleague wrote meanwhile beside what was changed here", () => {
    const mine = { ...ann, preferences: "cash" };
    const theirs = { ...ann, name: "Ann Chen", preferences: "card" };
    expect(merged(ann, mine, theirs)).toEqual({ ...ann, name: "Ann Chen", preferences: "cash" });
  });
});

describe("quick replies", () => {
  const replies = [
    { id: "1", label: "Address", text: "We open at nine, 5 River Street" },
    { id: "2", label: "Open", text: "9 to 6" },
    { id: "3", label: "取货", text: "可以来取了" },
  ];
  it("are found by the beginning of their label first, then by any of their words", () => {
    expect(matching(replies, "open").map((r) => r.id)).toEqual(["2", "1"]);
    expect(matching(replies, "取").map((r) => r.id)).toEqual(["3"]);
    expect(matching(replies, "").map((r) => r.id)).toEqual(["1", "2", "3"]);
  });

  it("call the customer by name", () => {
    expect(filled("Hello {name}, {name}!", "Ann")).toBe("Hello Ann, Ann!");
  });
});
