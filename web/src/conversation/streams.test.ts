import { beforeEach, describe, expect, it } from "vitest";
import { Database } from "./database";
import { texts } from "./people.fixture";
import { MemoryShelf } from "./shelf";
import { Streams } from "./streams";

describe("the window onto a stream", () => {
  let streams: Streams;
  const shown = () => {
    const { floor, head, entries } = streams.get("c.ann") ?? { floor: -1, head: -1, entries: [] };
    return [floor, head, entries.length];
  };

  beforeEach(async () => {
    const database = await Database.open("customer", "ann", new MemoryShelf());
    await database.apply("c.ann", texts(250), 250, "ann");
    streams = new Streams(database, "ann", { opened: () => {}, changed: () => {}, save: (job) => void job() });
    await streams.open("c.ann");
  });

  it("grows upwards from what the browser kept, and lets go of it again", async () => {
    expect(shown()).toEqual([150, 250, 100]);
    expect(await streams.older("c.ann")).toBe(true);
    expect(await streams.older("c.ann")).toBe(true);
    expect(await streams.older("c.ann")).toBe(false);
    expect(shown()).toEqual([0, 250, 250]);
    expect(await streams.older("c.ann")).toBe(false);
    streams.trim("c.ann");
    expect(shown()).toEqual([150, 250, 100]);
  });

  it("takes in what reaches up to it, and nothing that it does not touch", () => {
    expect(streams.join("c.ann", texts(30, 100))).toBe(false);
    expect(streams.join("c.ann", texts(30, 260))).toBe(false);
    expect(shown()).toEqual([150, 250, 100]);
    expect(streams.join("c.ann", texts(60, 121))).toBe(true);
    expect(shown()).toEqual([120, 250, 130]);
  });
});
