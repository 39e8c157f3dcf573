import { beforeEach, describe, expect, it } from "vitest";
import { nextDigest } from "./crc32";
import { Database } from "./database";
import { texts } from "./people.fixture";
import { MemoryShelf } from "./shelf";

const draft = (text: string) => ({
  stream: "c.ann",
  kind: "text",
  body: { text },
  reply_to: null,
  seen: 0,
  force: false,
});
const digest = (...ids: string[]) => ids.reduce(nextDigest, 0);

describe("what a browser keeps", () => {
  let shelf: MemoryShelf;
  let database: Database;
  const write = (text: string) => database.write(draft(text), "2026-11-22T09:00:00Z");
  const numbers = async () => (await database.waiting()).map((waiting) => [waiting.body.text, waiting.n]);
  const positions = async () => (await database.newest("c.ann", 100)).entries.map((entry) => entry.position);

  beforeEach(async () => {
    shelf = new MemoryShelf();
    database = await Database.open("customer", "ann", shelf);
  });

  it("is one device at each opening", async () => {
    expect((await Database.open("customer", "ann", shelf)).deviceId).toBe(database.deviceId);
  });

  it("numbers what is written one after the other, also from two tabs", async () => {
    const other = await Database.open("customer", "ann", shelf);
    await Promise.all([write("a"), other.write(draft("b"), ""), write("c")]);
    expect((await numbers()).map(([, n]) => n)).toEqual([1, 2, 3]);
  });

  it("gives a refused one's number to the next, and keeps its words", async () => {
    const [first] = [await write("a"), await write("b"), await write("c")];
    await database.refuse(first.id, "bad_request");
    await database.renumber(1);
    expect(await numbers()).toEqual([
      ["a", 0],
      ["b", 1],
      ["c", 2],
    ]);
    await database.again(first.id);
    expect((await numbers())[0]).toEqual(["a", 3]);
  });

  it("gives a file's entry no number before it is uploaded", async () => {
    const waiting = await database.write({ ...draft(""), kind: "image", file: new Blob(["x"]) }, "");
    await write("after");
    expect(await database.file(waiting.id)).toBeInstanceOf(Blob);
    await database.uploaded(waiting.id, { kind: "image", body: { attachment: "a1" } });
    expect((await database.waiting()).map((each) => [each.kind, each.n])).toEqual([
      ["image", 2],
      ["text", 1],
    ]);
    expect(await database.file(waiting.id)).toBeNull();
  });

  it("applies the next positions only, and says how far it came", async () => {
    expect(await database.apply("c.ann", texts(2), 2, "ann")).toMatchObject({ reached: 2 });
    expect(await database.apply("c.ann", texts(1, 4), 4, "ann")).toMatchObject({ reached: 2 });
    expect(await database.apply("c.ann", texts(4), 4, "ann")).toMatchObject({ reached: 4 });
    expect(await positions()).toEqual([1, 2, 3, 4]);
    expect((await database.newest("c.ann", 2)).floor).toBe(2);
  });

  it("does not send again what its stream has brought", async () => {
    const { id } = await write("a");
    await database.apply("c.ann", [{ ...texts(1)[0], id } as never], 1, "ann");
    expect(await database.waiting()).toEqual([]);
  });

  it("reaches down from the floor when older ones come, and never over a hole", async () => {
    await database.reset("c.ann", 10, 77, false);
    await database.apply("c.ann", texts(2, 11), 12, "ann");
    await database.keepOlder("c.ann", texts(3, 5), "ann");
    expect(await database.older("c.ann", 11, 50)).toEqual([]);
    await database.keepOlder("c.ann", texts(3, 8), "ann");
    expect((await database.older("c.ann", 11, 2)).map((entry) => entry.position)).toEqual([9, 10]);
    expect((await database.older("c.ann", 11, 50)).map((entry) => entry.position)).toEqual([8, 9, 10]);
  });

  it("offers back its own words that a restored server has lost, once the stream has caught up", async () => {
    await database.apply("c.ann", texts(3), 3, "ann");
    await database.reset("c.ann", 0, 0, true);
    await database.apply("c.ann", texts(1), 2, "ann");
    expect(await database.waiting()).toEqual([]);
    const { offered } = await database.apply(
      "c.ann",
      [{ ...texts(1, 2)[0], id: "m-foreign", author: "li" } as never],
      2,
      "ann",
    );
    expect(offered).toBe(true);
    expect((await database.waiting()).map((waiting) => waiting.id)).toEqual(["m-0000002", "m-0000003"]);
    expect((await database.newest("c.ann", 9)).digest).toBe(digest("m-0000001", "m-foreign"));
  });

  it("keeps nothing but the device that was signed out, and becomes a new one when it is let in again", async () => {
    await write("a");
    await database.apply("c.ann", texts(2), 2, "ann");
    await database.forget(false);
    expect(await database.waiting()).toEqual([]);
    expect((await database.newest("c.ann", 9)).entries).toEqual([]);
    expect((await Database.open("customer", "ann", shelf)).deviceId).toBe(database.deviceId);
    await database.forget(true);
    expect((await Database.open("customer", "ann", shelf)).deviceId).not.toBe(database.deviceId);
  });

  it("leaves nothing of a recalled message's words", async () => {
    await database.apply("c.ann", texts(2), 2, "ann");
    const recall = { ...texts(1, 3)[0], kind: "recall", body: { target: "m-0000001" } };
    await database.apply("c.ann", [recall as never], 3, "ann");
    expect((await database.newest("c.ann", 9)).entries[0]).toMatchObject({ body: {}, gone: "recalled" });
  });
});
