const ROUNDS = 64;
const BLOCK_BYTES = 64;
const primes = Array.from({ length: 310 }, (_, i) => i + 2).filter((n) => {
  for (let by = 2; by * by <= n; by++) if (n % by === 0) return false;
  return true;
});
/** The first 32 bits of the fractional part. */
const fraction = (n: number) => ((n - Math.floor(n)) * 2 ** 32) | 0;
const K = Int32Array.from(primes.slice(0, ROUNDS), (n) => fraction(Math.cbrt(n)));

/** SHA-256 (FIPS 180-4) of what comes piece by piece: `crypto.subtle` wants all of it at once, and a film does not fit into a
 * phone's memory beside the page. */
export class Sha256 {
  #state = Int32Array.from(primes.slice(0, 8), (n) => fraction(Math.sqrt(n)));
  #rest = new Uint8Array(0);
  #bytes = 0;
  #words = new Int32Array(ROUNDS);

  update(piece: Uint8Array): void {
    this.#bytes += piece.length;
    const all = this.#rest.length ? joined(this.#rest, piece) : piece;
    const whole = all.length - (all.length % BLOCK_BYTES);
    const view = new DataView(all.buffer, all.byteOffset, whole);
    for (let at = 0; at < whole; at += BLOCK_BYTES) this.#block(view, at);
    this.#rest = all.slice(whole);
  }

  /** Lower-case hexadecimal; nothing may come after it. */
  hex(): string {
    const end = new Uint8Array(this.#rest.length < BLOCK_BYTES - 8 ? BLOCK_BYTES : 2 * BLOCK_BYTES);
    end.set(this.#rest);
    end[this.#rest.length] = 0x80;
    const view = new DataView(end.buffer);
    view.setUint32(end.length - 8, Math.floor(this.#bytes / 2 ** 29));
    view.setUint32(end.length - 4, this.#bytes * 8); // modulo 2^32
    for (let at = 0; at < end.length; at += BLOCK_BYTES) this.#block(view, at);
    return [...this.#state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  #block(view: DataView, at: number): void {
    const w = this.#words;
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + 4 * i);
    for (let i = 16; i < ROUNDS; i++) {
      const early = w[i - 15] as number;
      const late = w[i - 2] as number;
      const s0 = turn(early, 7) ^ turn(early, 18) ^ (early >>> 3);
      const s1 = turn(late, 17) ^ turn(late, 19) ^ (late >>> 10);
      w[i] = ((w[i - 16] as number) + s0 + (w[i - 7] as number) + s1) | 0;
    }
    let [a, b, c, d, e, f, g, h] = this.#state as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    for (let i = 0; i < ROUNDS; i++) {
      const sum1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
      const t1 = (h + sum1 + ((e & f) ^ (~e & g)) + (K[i] as number) + (w[i] as number)) | 0;
      const t2 = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    const s = this.#state;
    for (const [i, word] of [a, b, c, d, e, f, g, h].entries()) s[i] = (s[i] as number) + word;
  }
}

/** To the right, around. */
const turn = (word: number, by: number) => (word >>> by) | (word << (32 - by));

function joined(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
