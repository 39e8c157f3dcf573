import { describe, expect, it } from "vitest";
import { en, zh } from "./staff.texts";

const holes = (text: string): string[] => [...text.matchAll(/\{(\w+)/g)].map((m) => m[1] ?? "").sort();

describe("the staff's texts", () => {
  it("exist in both languages", () => {
    expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
    for (const text of [...Object.values(en), ...Object.values(zh)]) expect(text.trim()).not.toBe("");
  });

  it("speak of the same things in both languages", () => {
    for (const [key, text] of Object.entries(en)) {
      expect([key, ...new Set(holes(zh[key as keyof typeof zh]))]).toEqual([key, ...new Set(holes(text))]);
    }
  });

  it("are Chinese in Chinese", () => {
    const latin = new Set(["product"]);
    for (const [key, text] of Object.entries(zh))
      if (!latin.has(key) && !text.startsWith("{")) expect(text).toMatch(/[\u4e00-\u9fff]/);
  });
});
