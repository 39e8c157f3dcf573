import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openShelf, type Shelf, type Tx } from "./shelf";

type Handler = (() => void) | null;

/** As much of IndexedDB as a shelf needs, on one store of values by `key`, with a connection that can be lost. */
class Browser {
  kept = new Map<string, object>();
  opened = 0;
  /** What the next ones run into: a connection that is closed, a request that fails, or a commit of which nobody knows. */
  trouble: ("closed" | "request" | "commit")[] = [];

  readonly open = () => {
    this.opened += 1;
    return this.request(() => ({ transaction: () => this.transaction(), close: () => undefined }));
  };

  private transaction() {
    const trouble = this.trouble.shift();
    if (trouble === "closed") throw new DOMException("The database connection is closing.", "InvalidStateError");
    const lost = new DOMException("Connection to Indexed Database server lost.", "UnknownError");
    const before = new Map(this.kept);
    const made = { oncomplete: null as Handler, onabort: null as Handler, error: null as DOMException | null };
    let open = 0;
    const end = () => {
      if (open > 0) return;
      if (trouble === "commit") made.error = lost;
      if (made.error) made.onabort?.();
      else made.oncomplete?.();
    };
    const ask = (work: () => unknown) => {
      open += 1;
      const ended = () => {
        open -= 1;
        setTimeout(end);
      };
      return this.request(() => {
        if (trouble !== "request") return work();
        made.error = lost;
        this.kept = before;
        throw lost;
      }, ended);
    };
    const store = {
      get: (key: string) => ask(() => this.kept.get(key)),
      put: (value: { key: string }) => ask(() => void this.kept.set(value.key, value)),
    };
    return Object.assign(made, { objectStore: () => store, abort: () => undefined });
  }

  private request(work: () => unknown, ended: () => void = () => undefined) {
    const asked = {
      onsuccess: null as Handler,
      onerror: null as Handler,
      result: undefined as unknown,
      error: null as unknown,
    };
    setTimeout(() => {
      try {
        asked.result = work();
        asked.onsuccess?.();
      } catch (error) {
        asked.error = error;
        asked.onerror?.();
      }
      ended();
    });
    return asked;
  }
}

describe("what a browser keeps when it loses its database", () => {
  let browser: Browser;
  let shelf: Shelf;
  const real = globalThis.indexedDB;
  const count = async (tx: Tx) => {
    const before = await tx.get<{ n: number }>("device", "count");
    await tx.put("device", { key: "count", n: (before?.n ?? 0) + 1 });
  };
  const counted = () =>
    shelf.run("readonly", ["device"], async (tx) => (await tx.get<{ n: number }>("device", "count"))?.n);

  beforeEach(async () => {
    browser = new Browser();
    globalThis.indexedDB = browser as never;
    shelf = await openShelf("loupe");
    await shelf.run("readwrite", ["device"], count);
  });
  afterEach(() => {
    globalThis.indexedDB = real;
  });

  it("opens it again and does it once, whatever was found lost", async () => {
    for (const [i, trouble] of (["closed", "request"] as const).entries()) {
      browser.trouble = [trouble];
      await shelf.run("readwrite", ["device"], count);
      expect(browser.opened).toBe(2 + i);
      expect(await counted()).toBe(2 + i);
    }
  });

  it("opens it once for all who find it lost together", async () => {
    browser.trouble = ["closed", "closed", "closed"];
    expect(await Promise.all([counted(), counted(), counted()])).toEqual([1, 1, 1]);
    expect(browser.opened).toBe(2);
  });

  it("does nothing twice when it was lost at the very end, and reads again all the same", async () => {
    browser.trouble = ["commit"];
    await expect(shelf.run("readwrite", ["device"], count)).rejects.toThrow("lost");
    expect(await counted()).toBe(2);
    browser.trouble = ["commit"];
    expect(await counted()).toBe(2);
    expect(browser.opened).toBe(3);
  });

  it("says so when it is lost again at once, and tries anew for the next", async () => {
    browser.trouble = ["closed", "closed"];
    await expect(shelf.run("readwrite", ["device"], count)).rejects.toThrow("closing");
    await shelf.run("readwrite", ["device"], count);
    expect(await counted()).toBe(2);
  });

  it("stays closed when it was closed", async () => {
    shelf.close();
    browser.trouble = ["closed"];
    await expect(counted()).rejects.toThrow("closing");
    expect(browser.opened).toBe(1);
  });
});
