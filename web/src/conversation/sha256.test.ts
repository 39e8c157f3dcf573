import { describe, expect, it } from "vitest";
import { Sha256 } from "./sha256";

const bytes = (count: number) => Uint8Array.from({ length: count }, (_, i) => (i * 31 + (i >> 8)) % 256);

async function real(data: Uint8Array<ArrayBuffer>): Promise<string> {
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  return [...sum].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

describe("a hash that is made piece by piece", () => {
  it("is the browser's own, for every length around the blocks", async () => {
    for (const count of [...Array(200).keys(), 4095, 4096, 100_003]) {
      const sum = new Sha256();
      sum.update(bytes(count));
      expect(sum.hex()).toBe(await real(bytes(count)));
    }
  });

  it("does not depend on where it is cut", async () => {
    const data = bytes(5000);
    for (const size of [1, 7, 63, 64, 65, 1000]) {
      const sum = new Sha256();
      for (let at = 0; at < data.length; at += size) sum.update(data.subarray(at, at + size));
      expect(sum.hex()).toBe(await real(data));
    }
  });
});
