import { describe, expect, it } from "vitest";
import { crc32, nextDigest } from "./crc32";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("crc32", () => {
  it("answers as zlib does", () => {
    expect(crc32(bytes(""))).toBe(0);
    expect(crc32(bytes("123456789"))).toBe(0xcbf43926);
    expect(crc32(bytes("鞋匠"))).toBe(ZLIB_OF_COBBLER);
  });

  it("continues where another one stopped", () => {
    expect(crc32(bytes("6789"), crc32(bytes("12345")))).toBe(0xcbf43926);
    expect(nextDigest(nextDigest(0, "m-1"), "m-2")).toBe(crc32(bytes("m-1m-2")));
  });
});

const ZLIB_OF_COBBLER = 0x3a2e2546; // zlib.crc32("鞋匠".encode())
