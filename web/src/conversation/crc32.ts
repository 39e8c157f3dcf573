const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest >>> 0;
});
const UTF8 = new TextEncoder();

/** CRC-32 as zlib and PNG use it (ISO 3309); `before` continues an earlier one, as in Python's `zlib.crc32(bytes, before)`. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let sum = ~before;
  for (const byte of bytes) sum = (TABLE[(sum ^ byte) & 255] as number) ^ (sum >>> 8);
  return ~sum >>> 0;
}

/** The digest of a stream after an entry with this id (domain/stream.py). It finds faults, not forgers. */
export function nextDigest(digest: number, id: string): number {
  return crc32(UTF8.encode(id), digest);
}
