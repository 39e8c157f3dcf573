import { signal } from "@preact/signals";
import { http } from "../wire/http";
import { codeOf, Refusal } from "../wire/refusal";
import type { Waiting } from "./database";
import { Sha256 } from "./sha256";

/** What an entry becomes when its file is kept; throws a Refusal. */
export type Upload = (waiting: Waiting, file: Blob) => Promise<Pick<Waiting, "kind" | "body">>;

interface UploadView {
  upload: string;
  offset: number;
  attachment: { id: string; kind: string; name: string } | null;
}

/** Half a megabit takes 4 s for one: what a cut costs at most, and how often the progress moves. */
const CHUNK_BYTES = 256 * 1024;
const CHUNK_WITHIN_MS = 60_000;
const DONE_WITHIN_MS = 120_000;

/** How much of the file of an entry has arrived at the server, 0-1, by the entry's id. */
export const progress = signal<ReadonlyMap<string, number>>(new Map());
const wanted = new Set<string>();
let turn: Promise<unknown> = Promise.resolve();

/** One file after the other, each from where it stopped: the server knows it by its content. */
export const uploadFile: Upload = (waiting, file) => {
  wanted.add(waiting.id);
  const mine = turn
    .then(() => send(waiting, file))
    .finally(() => {
      wanted.delete(waiting.id);
      note(waiting.id, null);
    });
  turn = mine.catch(() => undefined);
  return mine;
};

/** Its writer has given it up: nothing more is sent, and the server forgets what it has. */
export function cancelUpload(id: string): void {
  wanted.delete(id);
}

async function send(waiting: Waiting, file: Blob): Promise<Pick<Waiting, "kind" | "body">> {
  const { id, stream, body } = waiting;
  if (!wanted.has(id)) throw givenUp();
  note(id, 0);
  const asked = { conversation: stream.slice(2), sha256: await digest(file), bytes: file.size, name: body.name ?? "" };
  let { upload, offset, attachment } = await http<UploadView>("/api/uploads", { body: asked });
  const path = `/api/uploads/${upload}`;
  while (!attachment) {
    while (offset < file.size) {
      if (!wanted.has(id)) {
        await http(path, { method: "DELETE" });
        throw givenUp();
      }
      note(id, offset / file.size);
      offset = await chunk(path, offset, file);
    }
    note(id, 1);
    attachment = (await http<UploadView>(`${path}/done`, { body: {}, deadlineMs: DONE_WITHIN_MS })).attachment;
  }
  const { name: _, ...rest } = body;
  return {
    kind: attachment.kind,
    body: { ...rest, attachment: attachment.id, ...(attachment.name && { name: attachment.name }) },
  };
}

const givenUp = () => new Refusal("cancelled", "This file was given up.");

/** Where the next one begins. */
async function chunk(path: string, offset: number, file: Blob): Promise<number> {
  const body = file.slice(offset, offset + CHUNK_BYTES);
  const headers = { "content-type": "application/octet-stream" };
  try {
    const options = { method: "PUT", body, headers, deadlineMs: CHUNK_WITHIN_MS } as const;
    return (await http<UploadView>(`${path}?offset=${offset}`, options)).offset;
  } catch (error) {
    if (codeOf(error) !== "expect") throw error;
    return (await http<UploadView>(path)).offset; // its answer was lost, or another tab sends it, too
  }
}

/** Piece by piece: a film would not fit into a phone's memory beside the page. */
async function digest(file: Blob): Promise<string> {
  const sum = new Sha256();
  for (let at = 0; at < file.size; at += CHUNK_BYTES)
    sum.update(new Uint8Array(await file.slice(at, at + CHUNK_BYTES).arrayBuffer()));
  return sum.hex();
}

function note(id: string, share: number | null): void {
  const next = new Map(progress.value);
  if (share === null) next.delete(id);
  else next.set(id, share);
  progress.value = next;
}
