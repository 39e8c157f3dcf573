import { expect, it } from "vitest";
import words from "../../../tests/golden/blank.json";
import { visible } from "./blank";

it("takes what nobody would see for nothing, and all else as it stands", () => {
  expect(words.blank.filter((text) => visible(text))).toEqual([]);
  expect(words.seen.map(visible)).toEqual(words.seen.map((text) => text.trim()));
});
