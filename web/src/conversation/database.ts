import { newId } from "../wire/ids";
import { empty, fold, type StreamState, told } from "./fold";
import type { ChatInbox, EntryView as Entry, InboxRow } from "./frames";
import { openShelf, type Shelf, type StoreName, type Tx } from "./shelf";

/** Written here and not acknowledged yet. `n` is 0 while it has no number: it was refused, or its file is not uploaded. */
export interface Waiting {
  id: string;
  n: number;
  stream: string;
  kind: string;
  body: Record<string, unknown>;
  reply_to: string | null;
  /** What the writer had seen of the stream; `force`: send it although there is more. */
  seen: number;
  force: boolean;
  at: string;
  /** Written in this order. */
  order: number;
  /** Its file has still to be uploaded. */
  uploads: boolean;
  /** The code of a refusal for good. */
  refused: string | null;
  /** The server kept it once and has lost it since (a backup was put back). */
  offered: boolean;
}

export type Draft = Pick<Waiting, "stream" | "kind" | "body" | "reply_to" | "seen" | "force"> & {
  id?: string;
  file?: Blob;
};

interface DeviceRow {
  key: "device";
  id: string;
  counter: number;
  epoch: string;
  order: number;
}

interface CursorRow {
  stream: string;
  position: number;
  digest: number;
  /** Everything above it up to `position` is here. */
  floor: number;
  /** Written here, known to the server once, and maybe not any more: offered again when the stream has caught up. */
  lost: Held[];
}

export interface Applied {
  reached: number;
  offered: boolean;
}

type Held = Entry & { stream: string; own: boolean };
type InboxKept = InboxRow | { conversation: ""; position: number };

const ALL = Number.MAX_SAFE_INTEGER;
const OFFERED_AT_MOST = 500;

/** What one person's browser keeps of its conversations. Every method is one transaction. */
export class Database {
  private constructor(
    private readonly shelf: Shelf,
    readonly deviceId: string,
  ) {}

  static async open(side: string, personId: string, shelf?: Shelf): Promise<Database> {
    const kept = shelf ?? (await openShelf(`loupe-chat-${side}-${personId}`));
    const id = await kept.run("readwrite", ["device"], async (tx) => (await deviceOf(tx)).id);
    return new Database(kept, id);
  }

  get lasts(): boolean {
    return this.shelf.lasts;
  }

  close(): void {
    this.shelf.close();
  }

  epoch(): Promise<string> {
    return this.shelf.run("readwrite", ["device"], async (tx) => (await deviceOf(tx)).epoch);
  }

  setEpoch(epoch: string): Promise<void> {
    return this.shelf.run("readwrite", ["device"], async (tx) => tx.put("device", { ...(await deviceOf(tx)), epoch }));
  }

  /** Keeps what was written, with the device's next number, before it is sent for the first time. */
  write(draft: Draft, at: string): Promise<Waiting> {
    return this.shelf.run("readwrite", ["device", "outbox", "files"], async (tx) => {
      const { file, id = newId(), ...rest } = draft;
      const waiting = { ...rest, id, n: 0, at, order: 0, uploads: Boolean(file), refused: null, offered: false };
      if (file) await tx.put("files", { id, blob: file });
      return number(tx, waiting);
    });
  }

  /** Its file is uploaded: from now on it has a number. */
  uploaded(id: string, changes: Pick<Waiting, "kind" | "body">): Promise<void> {
    return this.shelf.run("readwrite", ["device", "outbox", "files"], async (tx) => {
      const waiting = await tx.get<Waiting>("outbox", id);
      await tx.delete("files", id);
      if (waiting) await number(tx, { ...waiting, ...changes, uploads: false });
    });
  }

  async file(id: string): Promise<Blob | null> {
    const kept = await this.shelf.run("readonly", ["files"], (tx) => tx.get<{ blob: Blob }>("files", id));
    return kept?.blob ?? null;
  }

  /** In the order in which they were written. */
  async waiting(): Promise<Waiting[]> {
    const all = await this.shelf.run("readonly", ["outbox"], (tx) => tx.all<Waiting>("outbox"));
    return all.sort((a, b) => a.order - b.order);
  }

  /** Acknowledged, or given up by its writer. */
  remove(id: string): Promise<void> {
    return this.shelf.run("readwrite", ["outbox", "files"], async (tx) => {
      await tx.delete("outbox", id);
      await tx.delete("files", id);
    });
  }

  /** It keeps its place on the page and gives its number to the next. What was offered back is let go of. */
  refuse(id: string, code: string): Promise<void> {
    return this.shelf.run("readwrite", ["outbox"], async (tx) => {
      const waiting = await tx.get<Waiting>("outbox", id);
      if (waiting?.offered) await tx.delete("outbox", id);
      else if (waiting) await tx.put("outbox", { ...waiting, n: 0, refused: code });
    });
  }

  /** A refused one is tried again, as the last. */
  again(id: string, changes: Partial<Pick<Waiting, "force" | "seen">> = {}): Promise<void> {
    return this.shelf.run("readwrite", ["device", "outbox"], async (tx) => {
      const waiting = await tx.get<Waiting>("outbox", id);
      if (waiting?.refused) await number(tx, { ...waiting, ...changes, refused: null });
    });
  }

  /** The server expects this number next: all that wait are numbered from it, in their order. */
  renumber(expected: number): Promise<void> {
    return this.shelf.run("readwrite", ["device", "outbox"], async (tx) => {
      const numbered = (await tx.all<Waiting>("outbox")).filter((waiting) => waiting.n > 0);
      numbered.sort((a, b) => a.n - b.n);
      for (const [i, waiting] of numbered.entries()) await tx.put("outbox", { ...waiting, n: expected + i });
      await tx.put("device", { ...(await deviceOf(tx)), counter: expected - 1 + numbered.length });
    });
  }

  /** The newest part of a stream, as it was kept. */
  newest(stream: string, count: number): Promise<StreamState> {
    return this.shelf.run("readonly", ["entries", "cursors"], async (tx) => {
      const cursor = await tx.get<CursorRow>("cursors", stream);
      if (!cursor) return empty(stream);
      const from = Math.max(cursor.floor + 1, cursor.position - count + 1);
      const entries = (await tx.all<Held>("entries", { stream, from, to: cursor.position })).map(plain);
      return { stream, floor: from - 1, head: cursor.position, digest: cursor.digest, entries };
    });
  }

  /** Those below `position` that are here without a gap up to it. */
  older(stream: string, position: number, count: number): Promise<Entry[]> {
    return this.shelf.run("readonly", ["entries", "cursors"], async (tx) => {
      const floor = (await tx.get<CursorRow>("cursors", stream))?.floor ?? position;
      const range = { stream, from: Math.max(floor + 1, position - count), to: position - 1 };
      return (await tx.all<Held>("entries", range)).map(plain);
    });
  }

  /** Keeps older ones that were fetched, if they reach down from the floor. */
  keepOlder(stream: string, entries: readonly Entry[], author: string): Promise<void> {
    return this.shelf.run("readwrite", ["entries", "cursors"], async (tx) => {
      const cursor = await tx.get<CursorRow>("cursors", stream);
      const first = entries[0];
      if (!cursor || !first || entries.at(-1)?.position !== cursor.floor) return;
      for (const entry of entries) await tx.put("entries", { ...entry, stream, own: entry.author === author });
      await tx.put("cursors", { ...cursor, floor: first.position - 1 });
    });
  }

  /** Keeps what comes next in a stream, and how far it came, at once. `reached` below the last entry's position
   * is a gap. `head` is the stream's: once it is reached, what the server may have lost waits to be sent again. */
  apply(stream: string, entries: readonly Entry[], head: number, author: string): Promise<Applied> {
    return this.shelf.run("readwrite", ["entries", "cursors", "outbox", "files", "device"], async (tx) => {
      const cursor = (await tx.get<CursorRow>("cursors", stream)) ?? fresh(stream);
      const before = { ...empty(stream, cursor.position, cursor.digest) };
      const after = fold(before, entries);
      for (const entry of after.entries) {
        if (entry.kind === "recall" || entry.kind === "erased") await change(tx, stream, entry);
        await tx.put("entries", { ...entry, stream, own: entry.author === author });
        await tx.delete("outbox", entry.id);
        await tx.delete("files", entry.id);
      }
      const here = new Set(after.entries.map((entry) => entry.id));
      let lost = cursor.lost.filter((entry) => !here.has(entry.id));
      if (after.head >= head && lost.length) {
        for (const entry of lost) await offer(tx, entry, after.head);
        lost = [];
      }
      const offered = lost.length < cursor.lost.length;
      await tx.put("cursors", { ...cursor, position: after.head, digest: after.digest, lost });
      return { reached: after.head, offered };
    });
  }

  /** Forgets the stream's entries and takes up again after `position`. `offers`: the server may have lost what was
   * written here (a backup was put back), so it is remembered until the stream has caught up. */
  reset(stream: string, position: number, digest: number, offers: boolean): Promise<void> {
    return this.shelf.run("readwrite", ["entries", "cursors"], async (tx) => {
      const before = (await tx.get<CursorRow>("cursors", stream)) ?? fresh(stream);
      const entries = await tx.all<Held>("entries", { stream, from: 0, to: ALL });
      const own = offers ? entries.filter((entry) => entry.own && !entry.gone).slice(-OFFERED_AT_MOST) : [];
      for (const entry of entries) await tx.delete("entries", [stream, entry.position]);
      await tx.put("cursors", { stream, position, digest, floor: position, lost: [...before.lost, ...own] });
    });
  }

  /** Nothing of what was said stays here. The device itself does, so that it remains signed out; `whole`: not even that. */
  forget(whole: boolean): Promise<void> {
    const stores: StoreName[] = ["entries", "cursors", "outbox", "files", "inbox"];
    if (whole) stores.push("device");
    return this.shelf.run("readwrite", stores, async (tx) => {
      for (const store of stores) await tx.clear(store);
    });
  }

  /** Rows of the inbox as they were kept, and the position that they are at, with the server's digest there. */
  async inbox(): Promise<{ rows: InboxRow[]; position: number; digest: number }> {
    const kept = await this.shelf.run("readonly", ["inbox"], (tx) => tx.all<InboxKept>("inbox"));
    const rows = kept.filter((row): row is InboxRow => row.conversation !== "");
    const at = kept.find((row) => row.conversation === "") as { position: number; digest?: number } | undefined;
    return { rows, position: at?.position ?? 0, digest: at?.digest ?? 0 };
  }

  /** Closed ones are not kept: the server has them. */
  keepInbox({ rows, position, digest, is_whole }: Omit<ChatInbox, "type" | "after">): Promise<void> {
    return this.shelf.run("readwrite", ["inbox"], async (tx) => {
      if (is_whole) for (const old of await tx.all<InboxKept>("inbox")) await tx.delete("inbox", old.conversation);
      for (const row of rows)
        await (row.state === "closed" ? tx.delete("inbox", row.conversation) : tx.put("inbox", row));
      await tx.put("inbox", { conversation: "", position, digest });
    });
  }
}

async function deviceOf(tx: Tx): Promise<DeviceRow> {
  const kept = await tx.get<DeviceRow>("device", "device");
  if (kept) return kept;
  const made: DeviceRow = { key: "device", id: newId(), counter: 0, epoch: "", order: 0 };
  await tx.put("device", made);
  return made;
}

/** Puts it last, with the device's next number unless its file is not there yet. */
async function number(tx: Tx, waiting: Waiting): Promise<Waiting> {
  const device = await deviceOf(tx);
  const counter = waiting.uploads ? device.counter : device.counter + 1;
  const numbered = { ...waiting, n: waiting.uploads ? 0 : counter, order: waiting.order || device.order + 1 };
  await tx.put("device", { ...device, counter, order: device.order + 1 });
  await tx.put("outbox", numbered);
  return numbered;
}

async function offer(tx: Tx, entry: Held, seen: number): Promise<void> {
  const { id, stream, kind, reply_to, at } = entry;
  const { file: _, ...body } = entry.body; // what the server had found out itself
  if (await tx.get("outbox", id)) return;
  const rest = { n: 0, order: 0, uploads: false, refused: null, offered: true, force: true };
  await number(tx, { id, stream, kind, body, reply_to, at, seen, ...rest });
}

/** What a recall or an erasure does to those before it. */
async function change(tx: Tx, stream: string, entry: Entry): Promise<void> {
  const held = await tx.all<Held>("entries", { stream, from: 0, to: entry.position - 1 });
  const changed = told(held, entry);
  for (const [i, each] of changed.entries()) if (each !== held[i]) await tx.put("entries", each);
}

function fresh(stream: string): CursorRow {
  return { stream, position: 0, digest: 0, floor: 0, lost: [] };
}

function plain({ stream: _stream, own: _own, ...entry }: Held): Entry {
  return entry;
}
