import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openClosedShelf } from "./closedShelf";

const asked: ServerResponse[] = [];
const server = createServer((_, answer) => asked.push(answer));
const plainFetch = globalThis.fetch;

beforeEach(async () => {
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  // A page's addresses have no host of their own.
  globalThis.fetch = (path, options) => plainFetch(`http://127.0.0.1:${port}${path}`, options);
});

afterEach(() => {
  globalThis.fetch = plainFetch;
  server.closeAllConnections();
  server.close();
});

const answer = (nth: number, conversation: string) =>
  asked[nth]?.end(JSON.stringify({ rows: [{ conversation }], before: null }));

it("asks for the first page anew when the inbox begins again while that page is under way", async () => {
  const kept: string[] = [];
  const shelf = openClosedShelf((rows) => kept.push(...rows.map((row) => row.conversation)));
  const first = shelf.more();
  await expect.poll(() => asked.length).toBe(1);
  shelf.restart();
  const second = shelf.more();
  await expect.poll(() => asked.length).toBe(2);
  answer(0, "of the round before");
  await first;
  expect(shelf.loading.value).toBe(true);
  answer(1, "of this round");
  await second;
  expect(kept).toEqual(["of this round"]);
  expect(shelf.loading.value).toBe(false);
  expect(shelf.hasMore.value).toBe(false);
});
