import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { codeOf } from "../wire/refusal";
import type { Waiting } from "./database";
import { cancelUpload, progress, uploadFile } from "./upload";

const CHUNK = 256 * 1024;
const real = globalThis.fetch;

/** A server that keeps one file; `trouble` may answer in its place. */
class Server {
  kept: Uint8Array = new Uint8Array();
  asked: string[] = [];
  isKept = false;
  trouble: (asked: string) => Response | "cut" | null = () => null;

  readonly fetch = async (path: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const asked = `${init.method} ${path}`;
    this.asked.push(asked);
    const trouble = this.trouble(asked);
    if (trouble === "cut") throw new TypeError("cut");
    if (trouble) return trouble;
    if (init.method === "DELETE") this.kept = new Uint8Array();
    else if (asked.endsWith("/done")) this.isKept = true;
    else if (init.method === "PUT") {
      const offset = Number(new URL(String(path), "http://here").searchParams.get("offset"));
      if (offset !== this.kept.length) return answer({ code: "expect", expected: this.kept.length }, 409);
      this.kept = joined(this.kept, new Uint8Array(await (init.body as Blob).arrayBuffer()));
    }
    const attachment = this.isKept ? { id: "a-1", kind: "image", name: "heel.jpg" } : null;
    return answer({ upload: "u-1", offset: this.kept.length, attachment });
  };
}

const answer = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const bytes = (count: number) => Uint8Array.from({ length: count }, (_, i) => i % 251);

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

const same = (one: Uint8Array, other: Uint8Array) =>
  one.length === other.length && one.every((byte, i) => byte === other[i]);

function waiting(id = "m-1"): Waiting {
  const rest = { n: 0, reply_to: null, seen: 0, force: false, at: "", order: 1, refused: null, offered: false };
  return { ...rest, id, stream: "c.ann", kind: "video", body: { name: "heel.mov", caption: "Look" }, uploads: true };
}

describe("a file on its way", () => {
  let server: Server;
  beforeEach(() => {
    server = new Server();
    globalThis.fetch = server.fetch;
  });
  afterEach(() => {
    globalThis.fetch = real;
  });

  it("goes in parts, and its entry becomes what the server found it to be", async () => {
    const data = bytes(CHUNK * 2 + 10);
    const made = await uploadFile(waiting(), new Blob([data]));
    expect(made).toEqual({ kind: "image", body: { name: "heel.jpg", caption: "Look", attachment: "a-1" } });
    expect(same(server.kept, data)).toBe(true);
    expect(server.asked).toHaveLength(5);
    expect(progress.value.size).toBe(0);
  });

  it("is never in memory whole", async () => {
    const file = new Blob([bytes(CHUNK * 3 + 1)]);
    file.arrayBuffer = () => Promise.reject(new Error("all of it at once"));
    await uploadFile(waiting(), file);
    expect(server.kept).toHaveLength(CHUNK * 3 + 1);
  });

  it("goes on after any chunk, wherever it was cut", async () => {
    const data = bytes(CHUNK * 3);
    for (let cut = 0; cut <= 3; cut++) {
      server = new Server();
      globalThis.fetch = server.fetch;
      const at = cut === 3 ? "POST /api/uploads/u-1/done" : `PUT /api/uploads/u-1?offset=${cut * CHUNK}`;
      server.trouble = (asked) => (asked === at ? "cut" : null);
      expect(await uploadFile(waiting(), new Blob([data])).catch(codeOf)).toBe("offline");
      server.trouble = () => null;
      await uploadFile(waiting(), new Blob([data]));
      expect(same(server.kept, data)).toBe(true);
      expect(server.asked.filter((asked) => asked.startsWith("PUT"))).toHaveLength(cut === 3 ? 3 : 4);
    }
  });

  it("skips what was kept although its answer was lost", async () => {
    const data = bytes(CHUNK * 2);
    let lost = false;
    server.trouble = (asked) => {
      if (lost || !asked.endsWith("offset=0")) return null;
      lost = true;
      server.kept = data.slice(0, CHUNK); // it arrived, and the answer says so by the next refusal
      return answer({ code: "expect", expected: CHUNK }, 409);
    };
    await uploadFile(waiting(), new Blob([data]));
    expect(same(server.kept, data)).toBe(true);
  });

  it("is not sent again when the server has it", async () => {
    server.isKept = true;
    await uploadFile(waiting(), new Blob([bytes(10)]));
    expect(server.asked).toEqual(["POST /api/uploads"]);
  });

  it("ends when it is given up, at the server, too", async () => {
    server.trouble = (asked) => {
      if (asked.endsWith(`offset=${CHUNK}`)) cancelUpload("m-1");
      return null;
    };
    expect(await uploadFile(waiting(), new Blob([bytes(CHUNK * 4)])).catch(codeOf)).toBe("cancelled");
    expect(server.asked.at(-1)).toBe("DELETE /api/uploads/u-1");
    expect(server.kept).toHaveLength(0);
  });

  it("is never begun when it is given up before its turn", async () => {
    const all = ["m-1", "m-2"].map((id) => uploadFile(waiting(id), new Blob([bytes(CHUNK)])).catch(codeOf));
    cancelUpload("m-2");
    expect((await Promise.all(all))[1]).toBe("cancelled");
    expect(server.asked).toHaveLength(3);
  });

  it("waits its turn", async () => {
    const all = ["m-1", "m-2", "m-3"].map((id) => uploadFile(waiting(id), new Blob([bytes(CHUNK)])));
    await Promise.allSettled(all);
    expect(server.asked.slice(0, 3)).toEqual([
      "POST /api/uploads",
      "PUT /api/uploads/u-1?offset=0",
      "POST /api/uploads/u-1/done",
    ]);
  });
});
