/** Named stores in one place that keeps: IndexedDB, or memory where that is refused. */
export interface Shelf {
  /** False: what is kept here does not outlive the page. */
  readonly lasts: boolean;
  /** One transaction: all of it is kept, or nothing when `work` throws. It may await nothing but this transaction. */
  run<T>(mode: "readonly" | "readwrite", stores: StoreName[], work: (tx: Tx) => Promise<T>): Promise<T>;
  close(): void;
}

export type Key = string | [string, number];
export type StoreName = keyof typeof STORES;

export interface Tx {
  get<T>(store: StoreName, key: Key): Promise<T | undefined>;
  all<T>(store: StoreName, range?: Range): Promise<T[]>;
  put(store: StoreName, value: object): Promise<void>;
  delete(store: StoreName, key: Key): Promise<void>;
  clear(store: StoreName): Promise<void>;
}

/** Positions of one stream, both ends included. Answers ascend. */
export interface Range {
  stream: string;
  from: number;
  to: number;
}

/** What each store is keyed by. */
export const STORES = {
  device: "key",
  entries: ["stream", "position"],
  cursors: "stream",
  outbox: "id",
  files: "id",
  inbox: "conversation",
} as const;
const VERSION = 1;

export async function openShelf(name: string): Promise<Shelf> {
  try {
    return new IndexedShelf(name, await openDatabase(name));
  } catch {
    return new MemoryShelf(); // a private window, or storage is refused
  }
}

function openDatabase(name: string): Promise<IDBDatabase> {
  const asked = indexedDB.open(name, VERSION);
  asked.onupgradeneeded = () => {
    for (const [store, keyPath] of Object.entries(STORES))
      asked.result.createObjectStore(store, { keyPath: keyPath as string | string[] });
  };
  return settled(asked);
}

class IndexedShelf implements Shelf {
  readonly lasts = true;
  #opened: Promise<IDBDatabase> | null;
  #isClosed = false;

  constructor(
    private readonly name: string,
    db: IDBDatabase,
  ) {
    this.#opened = Promise.resolve(this.#held(db));
  }

  /** WebKit loses its connection when a phone has slept: it is opened again, once, unless all may have been kept already. */
  async run<T>(mode: "readonly" | "readwrite", stores: StoreName[], work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let again = false; ; again = true) {
      this.#opened ??= openDatabase(this.name).then((db) => this.#held(db));
      const opened = this.#opened;
      const turn = { isWorked: false };
      try {
        return await once(await opened, mode, stores, work, turn);
      } catch (error) {
        if (!isLost(error) || this.#isClosed) throw error;
        if (this.#opened === opened) this.#opened = null;
        if (again || (turn.isWorked && mode === "readwrite")) throw error;
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    void this.#opened?.then((db) => db.close());
  }

  #held(db: IDBDatabase): IDBDatabase {
    db.onversionchange = () => db.close();
    return db;
  }
}

/** The browser has let go of the database; nothing is wrong with what was asked of it. */
function isLost(error: unknown): boolean {
  return error instanceof DOMException && (error.name === "InvalidStateError" || error.name === "UnknownError");
}

/** One transaction. `turn.isWorked`: all was asked and answered; from then on it may be kept, whatever is heard. */
function once<T>(
  db: IDBDatabase,
  mode: "readonly" | "readwrite",
  stores: StoreName[],
  work: (tx: Tx) => Promise<T>,
  turn: { isWorked: boolean },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(stores, mode);
    let answer: T;
    transaction.oncomplete = () => resolve(answer);
    transaction.onabort = () => reject(transaction.error ?? new Error("The transaction was given up."));
    const of = (store: StoreName) => transaction.objectStore(store);
    const tx: Tx = {
      get: (store, key) => settled(of(store).get(key)),
      all: async <R>(store: StoreName, range?: Range) => {
        if (!range) return (await settled(of(store).getAll())) as R[];
        const { stream, from, to } = range;
        if (from > to) return []; // IDBKeyRange refuses such a range
        const keys = IDBKeyRange.bound([stream, from], [stream, to]);
        return (await settled(of(store).getAll(keys))) as R[];
      },
      put: async (store, value) => void (await settled(of(store).put(value))),
      delete: async (store, key) => void (await settled(of(store).delete(key))),
      clear: async (store) => void (await settled(of(store).clear())),
    };
    work(tx).then(
      (value) => {
        answer = value;
        turn.isWorked = true;
      },
      (error: unknown) => {
        reject(error);
        try {
          transaction.abort();
        } catch {
          // it has ended by itself
        }
      },
    );
  });
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

type Row = Record<string, unknown>;

/** Keeps the same promises for the life of the page: one transaction after the other, and none by half. */
export class MemoryShelf implements Shelf {
  readonly lasts = false;
  #stores = new Map<StoreName, Map<string, Row>>();
  #last: Promise<unknown> = Promise.resolve();

  run<T>(_mode: string, _stores: StoreName[], work: (tx: Tx) => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => {
      const before = new Map([...this.#stores].map(([name, rows]) => [name, new Map(rows)] as const));
      try {
        return await work(this.#tx());
      } catch (error) {
        this.#stores = before;
        throw error;
      }
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  close(): void {}

  #tx(): Tx {
    const of = (store: StoreName) => {
      const rows = this.#stores.get(store) ?? new Map<string, Row>();
      this.#stores.set(store, rows);
      return rows;
    };
    const keyOf = (store: StoreName, value: Row) => {
      const path = STORES[store];
      return JSON.stringify(typeof path === "string" ? value[path] : path.map((part) => value[part]));
    };
    return {
      get: async <T>(store: StoreName, key: Key) => of(store).get(JSON.stringify(key)) as T | undefined,
      all: async <T>(store: StoreName, range?: Range) => {
        const rows = [...of(store).values()];
        if (!range) return rows as T[];
        const at = (row: Row) => row.position as number;
        const within = rows.filter((r) => r.stream === range.stream && at(r) >= range.from && at(r) <= range.to);
        within.sort((a, b) => at(a) - at(b));
        return within as T[];
      },
      put: async (store, value) => void of(store).set(keyOf(store, value as Row), structuredClone(value) as Row),
      delete: async (store, key) => void of(store).delete(JSON.stringify(key)),
      clear: async (store) => of(store).clear(),
    };
  }
}
