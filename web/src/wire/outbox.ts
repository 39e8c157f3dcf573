import type { CustomerAsk, StaffAsk } from "./frames";

/** A durable request that has no answer yet. `callId` is the call that it was written in; it is never sent in another. */
export interface Kept {
  cmid: string;
  callId: string | null;
  at: number;
  frame: Unsent & { cmid: string };
}

type WithoutRef<T> = T extends { ref: string } ? Omit<T, "ref"> : never;
/** Any request, before the wire gives it a `ref`. */
export type Unsent = WithoutRef<CustomerAsk | StaffAsk>;

/** Keeps durable requests over a reload. Losing it (private window) loses only that comfort, so it never throws. */
export interface Outbox {
  all(): Promise<Kept[]>;
  put(entry: Kept): Promise<void>;
  remove(cmid: string): Promise<void>;
}

export function memoryOutbox(): Outbox {
  const kept = new Map<string, Kept>();
  return {
    all: async () => [...kept.values()].sort((a, b) => a.at - b.at),
    put: async (entry) => void kept.set(entry.cmid, entry),
    remove: async (cmid) => void kept.delete(cmid),
  };
}

/** In IndexedDB, in a store of its own per side; in memory where IndexedDB is refused. */
export function storedOutbox(side: "customer" | "staff"): Outbox {
  const fallback = memoryOutbox();
  const database = open(side);
  const run = async <T>(
    mode: IDBTransactionMode,
    ask: (store: IDBObjectStore) => IDBRequest,
    other: () => Promise<T>,
  ) => {
    const db = await database;
    if (!db) return other();
    try {
      return (await settled(ask(db.transaction("outbox", mode).objectStore("outbox")))) as T;
    } catch {
      return other();
    }
  };
  return {
    all: async () => (await run("readonly", (s) => s.getAll(), fallback.all)).sort((a, b) => a.at - b.at),
    put: async (entry) =>
      void (await run<void>(
        "readwrite",
        (s) => s.put(entry),
        () => fallback.put(entry),
      )),
    remove: async (cmid) =>
      void (await run<void>(
        "readwrite",
        (s) => s.delete(cmid),
        () => fallback.remove(cmid),
      )),
  };
}

async function open(side: string): Promise<IDBDatabase | null> {
  try {
    const asked = indexedDB.open(`loupe-${side}`, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("outbox", { keyPath: "cmid" });
    return await settled(asked);
  } catch {
    return null;
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
