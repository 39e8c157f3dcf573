import { describe, expect, it } from "vitest";
import { closed, fill } from "./language";

type Texts = { en: Record<string, string>; zh: Record<string, string> };
const areas = import.meta.glob<Texts>(["../**/*texts.ts"], { eager: true });
const marks = (text: string) => [...text.matchAll(/\{(\w+)/g)].map((match) => match[1]).sort();

describe("the dictionaries", () => {
  it("are found for the shared and the customer's pages", () => {
    expect(Object.keys(areas)).toEqual(expect.arrayContaining(["../customer/texts.ts", "./shared.texts.ts"]));
  });

  for (const [area, { en, zh }] of Object.entries(areas)) {
    it(`${area}: every text is there in both languages, with the same placeholders`, () => {
      expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
      for (const [key, text] of Object.entries(en)) {
        expect(text.trim(), key).not.toBe("");
        expect(zh[key]?.trim(), key).not.toBe("");
        expect(new Set(marks(zh[key] ?? "")), key).toEqual(new Set(marks(text)));
      }
    });

    it(`${area}: English texts hold no Chinese (but for the name of the language), and Chinese ones use Chinese marks`, () => {
      for (const [key, text] of Object.entries(en))
        if (key !== "language") expect(text, key).not.toMatch(/[\u4e00-\u9fff]/);
      for (const [key, text] of Object.entries(zh)) expect(text, key).not.toMatch(/[\u4e00-\u9fff][,.!?;:](\s|$)/);
    });
  }
});

describe("closed", () => {
  it("leaves no space between Chinese characters, and those around Latin names", () => {
    expect(closed(fill("与 {name} 通话 {time}", { name: "陈先生", time: "0:06" }))).toBe("与陈先生通话 0:06");
    expect(closed(fill("放大 {name} 的画面", { name: "Lin Mei" }))).toBe("放大 Lin Mei 的画面");
  });
});

describe("fill", () => {
  it("puts values in place and chooses words by number", () => {
    expect(fill("{n} {n|person|people}", { n: 1 })).toBe("1 person");
    expect(fill("{n} {n|person|people}", { n: 3 })).toBe("3 people");
    expect(fill("Hello {name}", {})).toBe("Hello {name}");
  });
});
