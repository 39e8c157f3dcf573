/* AEAD_AES_128_GCM (NIST SP 800-38D). Where the processor has AES and multiplies without carry it is done here: OpenSSL does the same
 * as fast, but through a hundred small functions, which are no longer in the caches when a packet wakes the thread. No table is looked
 * up and nothing branches on a secret. On other processors it is OpenSSL's. */

#include "pump.h"

#include <string.h>

enum { BLOCK = 16, AT_ONCE = 8, ROUNDS = 10 };

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define OURS __attribute__((target("aes,pclmul,ssse3,sse4.1")))
#define EACH for (int i = 0; i < AT_ONCE; i++)

typedef struct { __m128i low, high; } Product; /* 256 bits, not yet reduced */

OURS static inline __m128i at(const uint8_t *from) { return _mm_loadu_si128((const __m128i *)from); }
OURS static inline void put(uint8_t *to, __m128i v) { _mm_storeu_si128((__m128i *)to, v); }

/* Bytes in the opposite order: a number of GHASH's field then has its bits where POLYVAL's has them (RFC 8452, appendix A). */
OURS static inline __m128i turned(__m128i v) {
    return _mm_shuffle_epi8(v, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

OURS static inline __m128i next_key(__m128i key, __m128i assist) {
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
    return _mm_xor_si128(key, _mm_shuffle_epi32(assist, 0xFF));
}

OURS static inline __m128i encrypted(const Cipher *c, __m128i v) {
    v = _mm_xor_si128(v, at(c->keys));
    for (int r = 1; r < ROUNDS; r++) v = _mm_aesenc_si128(v, at(c->keys + r * BLOCK));
    return _mm_aesenclast_si128(v, at(c->keys + ROUNDS * BLOCK));
}

OURS static inline void add_product(Product *sum, __m128i a, __m128i b) {
    __m128i middle = _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01), _mm_clmulepi64_si128(a, b, 0x10));
    sum->low = _mm_xor_si128(sum->low, _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x00), _mm_slli_si128(middle, 8)));
    sum->high = _mm_xor_si128(sum->high, _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x11), _mm_srli_si128(middle, 8)));
}

/* Divided by x^128, modulo x^128 + x^127 + x^126 + x^121 + 1. */
OURS static inline __m128i reduced(Product p) {
    const __m128i by = _mm_set_epi64x(0, (int64_t)0xC200000000000000);
    for (int i = 0; i < 2; i++) p.low = _mm_xor_si128(_mm_shuffle_epi32(p.low, 0x4E), _mm_clmulepi64_si128(p.low, by, 0x00));
    return _mm_xor_si128(p.high, p.low);
}

/* The hash after `count` more blocks, 1 to 8. */
OURS static inline __m128i hashed(const Cipher *c, __m128i hash, const __m128i *blocks, int count) {
    Product sum = {_mm_setzero_si128(), _mm_setzero_si128()};
    for (int i = 0; i < count; i++) {
        __m128i v = turned(blocks[i]);
        add_product(&sum, i ? v : _mm_xor_si128(v, hash), at(c->powers + (count - 1 - i) * BLOCK));
    }
    return reduced(sum);
}

OURS static inline __m128i cut(const uint8_t *from, int size) { /* less than a block, zeros behind it */
    uint8_t whole[BLOCK] = {0};
    memcpy(whole, from, size);
    return at(whole);
}

OURS static void expand(Cipher *c, const uint8_t *key) {
    __m128i k = at(key);
    put(c->keys, k);
#define NEXT(r, by) put(c->keys + (r) * BLOCK, k = next_key(k, _mm_aeskeygenassist_si128(k, by)))
    NEXT(1, 0x01); NEXT(2, 0x02); NEXT(3, 0x04); NEXT(4, 0x08); NEXT(5, 0x10);
    NEXT(6, 0x20); NEXT(7, 0x40); NEXT(8, 0x80); NEXT(9, 0x1B); NEXT(10, 0x36);
#undef NEXT
    __m128i h = turned(encrypted(c, _mm_setzero_si128()));
    __m128i is_over = _mm_shuffle_epi32(_mm_srai_epi32(h, 31), 0xFF); /* all ones when x^127 is in it */
    __m128i carried = _mm_slli_si128(_mm_srli_epi64(h, 63), 8);
    h = _mm_or_si128(_mm_slli_epi64(h, 1), carried); /* times x */
    h = _mm_xor_si128(h, _mm_and_si128(is_over, _mm_set_epi64x((int64_t)0xC200000000000000, 1)));
    __m128i power = h;
    put(c->powers, h);
    for (int i = 1; i < AT_ONCE; i++) {
        Product p = {_mm_setzero_si128(), _mm_setzero_si128()};
        add_product(&p, power, h);
        put(c->powers + i * BLOCK, power = reduced(p));
    }
}

/* Writes `size` bytes to `out`, which may be `in`, and answers the tag. */
OURS static __m128i crypt_here(const Cipher *c, int seals, const uint8_t *nonce, const uint8_t *said, int said_bytes, const uint8_t *in, int size, uint8_t *out) {
    const __m128i one = _mm_set_epi32(0, 0, 0, 1);
    uint8_t first[BLOCK] = {0};
    memcpy(first, nonce, 12);
    __m128i counter = _mm_add_epi32(turned(at(first)), one), b[AT_ONCE], s[AT_ONCE], hash = _mm_setzero_si128();
    __m128i mask = encrypted(c, turned(counter));
    int count = 0;
    for (int done = 0; done < said_bytes; done += BLOCK) {
        int left = said_bytes - done;
        b[count++] = left >= BLOCK ? at(said + done) : cut(said + done, left);
        if (count == AT_ONCE) hash = hashed(c, hash, b, count), count = 0;
    }
    if (count) hash = hashed(c, hash, b, count);
    for (int done = 0; done < size; done += AT_ONCE * BLOCK) {
        int left = size - done;
        count = left >= AT_ONCE * BLOCK ? AT_ONCE : (left + BLOCK - 1) / BLOCK;
        EACH s[i] = _mm_xor_si128(turned(counter = _mm_add_epi32(counter, one)), at(c->keys));
        for (int r = 1; r < ROUNDS; r++) {
            __m128i key = at(c->keys + r * BLOCK);
            EACH s[i] = _mm_aesenc_si128(s[i], key);
        }
        __m128i last = at(c->keys + ROUNDS * BLOCK);
        EACH s[i] = _mm_aesenclast_si128(s[i], last);
        if (left >= AT_ONCE * BLOCK) {
            EACH b[i] = at(in + done + i * BLOCK);
            EACH s[i] = _mm_xor_si128(s[i], b[i]);
            EACH put(out + done + i * BLOCK, s[i]);
            hash = hashed(c, hash, seals ? s : b, AT_ONCE);
            continue;
        }
        for (int i = 0; i < count; i++) {
            int from = done + i * BLOCK, bytes = size - from;
            if (bytes >= BLOCK) {
                b[i] = at(in + from);
                s[i] = _mm_xor_si128(s[i], b[i]);
                put(out + from, s[i]);
                continue;
            }
            uint8_t end[BLOCK];
            b[i] = cut(in + from, bytes);
            put(end, _mm_xor_si128(s[i], b[i]));
            s[i] = cut(end, bytes);
            memcpy(out + from, end, bytes);
        }
        hash = hashed(c, hash, seals ? s : b, count);
    }
    b[0] = turned(_mm_set_epi64x((int64_t)said_bytes * 8, (int64_t)size * 8));
    return _mm_xor_si128(mask, turned(hashed(c, hash, b, 1)));
}

OURS static void seal_here(const Cipher *c, const uint8_t *nonce, const uint8_t *said, int said_bytes, const uint8_t *in, int size, uint8_t *out, uint8_t *tag) {
    put(tag, crypt_here(c, 1, nonce, said, said_bytes, in, size, out));
}

OURS static int open_here(const Cipher *c, const uint8_t *nonce, const uint8_t *said, int said_bytes, const uint8_t *in, int size, const uint8_t *tag, uint8_t *out) {
    __m128i differs = _mm_xor_si128(crypt_here(c, 0, nonce, said, said_bytes, in, size, out), at(tag));
    return _mm_testz_si128(differs, differs);
}

static int can_here(void) {
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && c & bit_AES && c & bit_PCLMUL && c & bit_SSSE3 && c & bit_SSE4_1;
}
#endif

/* --- by OpenSSL --- */

static void *by_openssl(const Crypto *f, int seals, const uint8_t *key) {
    void *ctx = f->ctx_new();
    if (ctx && (seals ? f->encrypt_init : f->decrypt_init)(ctx, f->aes_128_gcm(), NULL, key, NULL) == 1) return ctx;
    f->ctx_free(ctx);
    return NULL;
}

static int sealed_by_openssl(const Crypto *f, void *ctx, const uint8_t *nonce, const uint8_t *said, int said_bytes, const uint8_t *in, int size, uint8_t *out, uint8_t *tag) {
    int done, more;
    return f->encrypt_init(ctx, NULL, NULL, NULL, nonce) == 1 && f->encrypt(ctx, NULL, &done, said, said_bytes) == 1 &&
           f->encrypt(ctx, out, &done, in, size) == 1 && f->encrypt_end(ctx, out + done, &more) == 1 && f->ctrl(ctx, GET_TAG, TAG, tag) == 1;
}

static int opened_by_openssl(const Crypto *f, void *ctx, const uint8_t *nonce, const uint8_t *said, int said_bytes, const uint8_t *in, int size, const uint8_t *tag, uint8_t *out) {
    int done, more;
    return f->decrypt_init(ctx, NULL, NULL, NULL, nonce) == 1 && f->decrypt(ctx, NULL, &done, said, said_bytes) == 1 &&
           f->decrypt(ctx, out, &done, in, size) == 1 && f->ctrl(ctx, SET_TAG, TAG, (void *)tag) == 1 && f->decrypt_end(ctx, out + done, &more) == 1;
}

/* --- one cipher: one key, for one direction --- */

int cipher_begin(const Crypto *f, Cipher *c, int seals, const uint8_t *key) {
    c->free = f->ctx_free;
#if defined(__x86_64__)
    if (!f->is_openssl_only) return expand(c, key), 1;
#endif
    c->ctx = by_openssl(f, seals, key);
    return c->ctx != NULL;
}

void cipher_end(Cipher *c) {
    if (c->ctx) c->free(c->ctx);
    explicit_bzero(c, sizeof *c);
}

int cipher_seal(const Crypto *f, const Cipher *c, const uint8_t *nonce, const uint8_t *said, int said_bytes, const uint8_t *in, int size, uint8_t *out, uint8_t *tag) {
#if defined(__x86_64__)
    if (!c->ctx) return seal_here(c, nonce, said, said_bytes, in, size, out, tag), 1;
#endif
    return sealed_by_openssl(f, c->ctx, nonce, said, said_bytes, in, size, out, tag);
}

int cipher_open(const Crypto *f, const Cipher *c, const uint8_t *nonce, const uint8_t *said, int said_bytes, const uint8_t *in, int size, const uint8_t *tag, uint8_t *out) {
#if defined(__x86_64__)
    if (!c->ctx) return open_here(c, nonce, said, said_bytes, in, size, tag, out);
#endif
    return opened_by_openssl(f, c->ctx, nonce, said, said_bytes, in, size, tag, out);
}

int cipher_needs_openssl(const Crypto *f) {
#if defined(__x86_64__)
    enum { SAMPLE = 5 * BLOCK * AT_ONCE / 2 + 3, SAID = BLOCK + 4 };
    uint8_t sample[SAMPLE], made[2][SAMPLE + TAG];
    for (int i = 0; i < SAMPLE; i++) sample[i] = (uint8_t)(i * 151 + 7);
    for (int i = 0; can_here() && i < 2; i++) {
        Crypto by = *f;
        Cipher c = {0};
        by.is_openssl_only = i;
        int is_sealed = cipher_begin(&by, &c, 1, sample) && cipher_seal(&by, &c, sample + BLOCK, sample, SAID, sample, SAMPLE, made[i], made[i] + SAMPLE);
        cipher_end(&c);
        if (!is_sealed) return 1;
        if (i) return memcmp(made[0], made[1], sizeof made[0]) != 0;
    }
#endif
    (void)f;
    return 1;
}
