import { describe, expect, it } from "vitest";
import { named, naming } from "./mentions";

describe("a mention that is being written", () => {
  it("begins with an @ that is no part of a word, also the wide one of a Chinese keyboard", () => {
    expect(naming("ask @L")).toBe("L");
    expect(naming("@")).toBe("");
    expect(naming("请＠李")).toBe("李");
    expect(naming("ann@home.example")).toBe(null);
    expect(naming("ask @Li Wei ")).toBe(null);
  });

  it("names only who is still in the text, once", () => {
    const [li, mei] = [
      { id: "1", name: "Li Wei" },
      { id: "2", name: "Mei" },
    ] as const;
    expect(named("@Li Wei and @Li Wei", [li, li, mei])).toEqual([li]);
  });
});
