import { describe, expect, it, vi } from "vitest";
import { Conversations } from "../conversation/conversations";
import { Database } from "../conversation/database";
import { texts } from "../conversation/people.fixture";
import { MemoryShelf, type StoreName, type Tx } from "../conversation/shelf";
import { openTalk } from "./conversation";

/** A browser that may have no room left for what is written. */
class NarrowShelf extends MemoryShelf {
  isFull = false;
  override run<T>(mode: string, stores: StoreName[], work: (tx: Tx) => Promise<T>): Promise<T> {
    if (this.isFull && stores.includes("outbox")) return Promise.reject(new DOMException("", "QuotaExceededError"));
    return super.run(mode, stores, work);
  }
}

async function opened(shelf: MemoryShelf) {
  const database = await Database.open("customer", "ann", shelf);
  await database.apply("c.ann", texts(250), 250, "ann");
  const conversations = await Conversations.open({ id: "ann", side: "customer" }, null, database);
  return { conversations, talk: openTalk(conversations, "c.ann") };
}

/** A slow phone: nothing that is written is kept before `go`. */
class SlowShelf extends MemoryShelf {
  go: () => void = () => undefined;
  readonly #gate = new Promise<void>((resolve) => {
    this.go = resolve;
  });
  override async run<T>(mode: string, stores: StoreName[], work: (tx: Tx) => Promise<T>): Promise<T> {
    if (stores.includes("files") && stores.includes("device") && mode === "readwrite" && stores.length === 3)
      await this.#gate;
    return super.run(mode, stores, work);
  }
}

describe("a conversation as a page shows it", () => {
  it("brings what was found onto the page, however eagerly the page lets go of older lines", async () => {
    const { conversations, talk } = await opened(new MemoryShelf());
    conversations.on(() => talk.trim());
    await talk.show({ id: "m-0000020", position: 20, match: "20" });
    expect(talk.target.value?.position).toBe(20);
    expect(talk.line("m-0000020")?.body.text).toBe("20");
    conversations.close();
  });

  it("counts the words of the other side that were not read", async () => {
    const shelf = new MemoryShelf();
    const database = await Database.open("customer", "bea", shelf);
    const entries = texts(4).map((entry, i) => (i < 2 ? { ...entry, side: "staff" as const, author: "mei" } : entry));
    await database.apply("c.bea", entries, 4, "bea");
    const conversations = await Conversations.open({ id: "bea", side: "customer" }, null, database);
    const talk = openTalk(conversations, "c.bea");
    await vi.waitFor(() => expect(talk.lines.value).toHaveLength(4));
    expect(talk.unread.value).toBe(2);
    conversations.close();
  });

  it("gives a text back that this browser had no room for", async () => {
    const shelf = new NarrowShelf();
    const { conversations, talk } = await opened(shelf);
    shelf.isFull = true;
    talk.edited("My heel is loose");
    talk.send();
    expect(talk.draft.value).toBe("");
    await vi.waitFor(() => expect(talk.draft.value).toBe("My heel is loose"));
    await expect(talk.sendFile("image", new Blob(["x"]), {})).rejects.toThrow();
    conversations.close();
  });

  it("finds a text in the field again whose page went away before this browser had kept it", async () => {
    const kept = new Map<string, string>();
    vi.stubGlobal("localStorage", {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
      removeItem: (key: string) => kept.delete(key),
    });
    const shelf = new SlowShelf();
    const { conversations, talk } = await opened(shelf);
    for (const text of ["My heel is loose", "and scratched"]) {
      talk.edited(text);
      talk.send();
    }
    expect(talk.draft.value).toBe("");
    expect(openTalk(conversations, "c.ann").draft.value).toBe("My heel is loose\nand scratched");
    shelf.go();
    await vi.waitFor(() => expect(conversations.waiting).toHaveLength(2));
    await vi.waitFor(() => expect(kept.size).toBe(0));
    conversations.close();
    vi.unstubAllGlobals();
  });
});
