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
    expect(filled("{name}您好，鞋修好了", "小安")).toBe("小安您好，鞋修好了");
  });

  it.each([
    ["Hello {name}, your shoes are ready.", "Hello, your shoes are ready."],
    ["Hi {name}! How can we help?", "Hi! How can we help?"],
    ["{name}, your shoes are ready.", "Your shoes are ready."],
    ["Your shoes are ready. {name}, when do you come?", "Your shoes are ready. When do you come?"],
    ["Thank you, {name}.", "Thank you."],
    ["See you tomorrow, {name}", "See you tomorrow"],
    ["Dear {name}, we are closed today.", "Dear customer, we are closed today."],
    ["您好，{name}，鞋修好了。", "您好，鞋修好了。"],
    ["您好{name}，鞋修好了。", "您好，鞋修好了。"],
    ["{name}您好，鞋修好了。", "您好，鞋修好了。"],
    ["{name}，您好！", "您好！"],
    ["好的，{name}，明天见！", "好的，明天见！"],
    ["谢谢您，{name}！", "谢谢您！"],
    ["尊敬的{name}，本店今天休息。", "尊敬的顾客，本店今天休息。"],
  ])("read well for who has said no name: %s", (text, said) => {
    for (const name of ["", "Guest", "访客"]) expect(filled(text, name)).toBe(said);
  });
});
