import { expect, it } from "vitest";
import { parts } from "./parts";

it("sends a long text in several messages, none of them too long and no word lost", () => {
  expect(parts("a short one")).toEqual(["a short one"]);
  const words = Array.from({ length: 2500 }, (_, i) => `w${i}`);
  const sent = parts(words.join(" "));
  expect(Math.max(...sent.map((each) => each.length))).toBeLessThanOrEqual(4000);
  expect(sent.join(" ").split(" ")).toEqual(words);
  expect(parts("词".repeat(10_000)).map((each) => each.length)).toEqual([4000, 4000, 2000]);
  expect(parts(`a${"😀".repeat(3000)}`).join("")).toBe(`a${"😀".repeat(3000)}`);
});
