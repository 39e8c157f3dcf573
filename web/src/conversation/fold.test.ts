import { describe, expect, it } from "vitest";
import { nextDigest } from "./crc32";
import { empty, fold, foldMarks, type StreamState } from "./fold";
import type { MarkView } from "./frames";
import { texts } from "./people.fixture";

interface Golden {
  promise: string;
  before: StreamState;
  entries: StreamState["entries"];
  after: StreamState;
}
const golden = import.meta.glob<Golden>("../../../tests/golden/conversation/*.json", {
  eager: true,
  import: "default",
});
const marks = import.meta.glob<{ promise: string; before: MarkView[]; told: MarkView[]; after: MarkView[] }[]>(
  "../../../tests/golden/marks.json",
  { eager: true, import: "default" },
);

describe("fold", () => {
  for (const { promise, before, entries, after } of Object.values(golden))
    it(`as in Python: ${promise}`, () => expect(fold(before, entries)).toEqual(after));

  it("applies each entry once, in order, and stops at a gap", () => {
    const state = fold(empty("c.ann"), texts(2));
    expect(fold(state, texts(2))).toBe(state);
    expect(fold(state, texts(1, 4)).head).toBe(2);
    expect(state.digest).toBe(nextDigest(nextDigest(0, "m-0000001"), "m-0000002"));
  });
});

describe("foldMarks", () => {
  for (const { promise, before, told, after } of Object.values(marks)[0] ?? [])
    it(`as in Python: ${promise}`, () => expect(foldMarks(before, told)).toEqual(after));
});
