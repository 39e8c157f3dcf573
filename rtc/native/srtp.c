/* SRTP and SRTCP with AEAD_AES_128_GCM (RFC 3711, RFC 7714): for the pump's thread, and for Python by the calls at the end. */

#include "pump.h"

#include <stdlib.h>
#include <string.h>

static void nonce_of(uint8_t *nonce, const uint8_t *salt, uint32_t ssrc, uint64_t index) {
    memcpy(nonce, salt, 12);
    for (int i = 0; i < 4; i++) nonce[2 + i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
    for (int i = 0; i < 6; i++) nonce[6 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

static int header_length(const uint8_t *data, int size) {
    if (size < 12 || (data[0] & 0xC0) != 0x80) return 0;
    int length = 12 + ((data[0] & 0x0F) << 2);
    if (data[0] & 0x10) {
        if (size < length + 4) return 0;
        length += 4 + (half(data + length + 2) << 2);
    }
    return length <= size ? length : 0;
}

/* --- numbers that were seen --- */

static Stream *stream_of(Stream *streams, int count, uint32_t ssrc) {
    for (int i = 0; i < count; i++)
        if (streams[i].ssrc == ssrc) return &streams[i];
    return NULL;
}

/* The sequence number nearest to the highest one seen (RFC 3711 3.3.1), as a step from it. */
static int step_from(uint64_t highest, int sequence) {
    return ((sequence - (int)(highest & 0xFFFF) + 0x8000) & 0xFFFF) - 0x8000;
}

static int is_replayed(const Stream *s, int64_t step) {
    if (step > 0) return 0;
    if (step <= -WINDOW || (int64_t)s->highest + step < 0) return 1;
    uint64_t place = (s->highest + step) % WINDOW;
    return s->seen[place >> 6] >> (place & 63) & 1;
}

static void see(Stream *s, int64_t step) {
    if (step >= WINDOW) memset(s->seen, 0, sizeof s->seen);
    else
        for (int64_t i = 1; i <= step; i++) {
            uint64_t place = (s->highest + i) % WINDOW;
            s->seen[place >> 6] &= ~(1ULL << (place & 63));
        }
    uint64_t place = (s->highest + step) % WINDOW;
    s->seen[place >> 6] |= 1ULL << (place & 63);
    if (step > 0) s->highest += step;
}

static Stream *begin(Stream *streams, int *count, uint32_t ssrc, uint64_t index) {
    Stream *s = &streams[(*count)++];
    memset(s, 0, sizeof *s);
    s->ssrc = ssrc;
    s->highest = index;
    return s;
}

/* --- RTP --- */

int open_rtp(Pump *p, Opener *o, const uint8_t *data, int size, uint8_t *out) {
    int header = header_length(data, size);
    if (!header || size < header + TAG) return MALFORMED;
    int sequence = half(data + 2), step = 0;
    uint32_t ssrc = word(data + 8);
    Stream *s = stream_of(o->streams, o->count, ssrc);
    uint64_t index = (uint64_t)sequence;
    if (!s) {
        if (o->count >= MOST_STREAMS) return TOO_MANY;
    } else {
        step = step_from(s->highest, sequence);
        if (is_replayed(s, step)) return REPLAYED;
        index = s->highest + step;
    }
    uint8_t nonce[12];
    nonce_of(nonce, o->salt, ssrc, index);
    int body = size - header - TAG;
    if (!cipher_open(&p->crypto, &o->cipher, nonce, data, header, data + header, body, data + size - TAG, out + header)) return FORGED;
    memcpy(out, data, header);
    if (!s) s = begin(o->streams, &o->count, ssrc, index);
    see(s, step);
    o->is_newest = step > 0 || index == s->highest;
    return header + body;
}

int seal_rtp(Pump *p, Sealer *l, const uint8_t *header, int header_bytes, const uint8_t *payload, int size, uint8_t *out) {
    int sequence = half(header + 2), step = 0;
    uint32_t ssrc = word(header + 8);
    Stream *s = stream_of(l->streams, l->count, ssrc);
    uint64_t index = (uint64_t)sequence;
    if (!s) {
        if (l->count >= MOST_STREAMS) return 0;
        s = begin(l->streams, &l->count, ssrc, index);
    } else {
        step = step_from(s->highest, sequence);
        if (is_replayed(s, step)) return 0;
        index = s->highest + step;
    }
    see(s, step); /* before anything is sealed under it: a number is used once */
    uint8_t nonce[12];
    nonce_of(nonce, l->salt, ssrc, index);
    if (out != header) memcpy(out, header, header_bytes);
    uint8_t *sealed = out + header_bytes;
    if (!cipher_seal(&p->crypto, &l->cipher, nonce, header, header_bytes, payload, size, sealed, sealed + size)) return FORGED;
    return header_bytes + size + TAG;
}

/* --- RTCP: eight bytes in the clear, then what is sealed, the tag, and the index with the bit that says so --- */

int open_rtcp(Pump *p, Opener *o, const uint8_t *data, int size, uint8_t *out) {
    if (size < REPORT_HEAD + TAG + TRAILER) return MALFORMED;
    const uint8_t *trailer = data + size - TRAILER;
    uint32_t ssrc = word(data + 4), marked = word(trailer);
    int64_t index = marked & 0x7FFFFFFF, step = 0;
    Stream *s = stream_of(o->reports, o->report_count, ssrc);
    if (!s) {
        if (o->report_count >= MOST_STREAMS) return TOO_MANY;
    } else {
        step = index - (int64_t)s->highest;
        if (is_replayed(s, step)) return REPLAYED;
    }
    int is_sealed = marked >> 31, whole = size - TAG - TRAILER;
    int clear = is_sealed ? REPORT_HEAD : whole; /* only signed: all of it is said before the trailer */
    const uint8_t *tag = is_sealed ? trailer - TAG : data + whole;
    uint8_t nonce[12], said[DATAGRAM];
    nonce_of(nonce, o->reports_salt, ssrc, (uint64_t)index);
    memcpy(said, data, clear);
    memcpy(said + clear, trailer, TRAILER);
    if (!cipher_open(&p->crypto, &o->reports_cipher, nonce, said, clear + TRAILER, data + clear, whole - clear, tag, out + clear)) return FORGED;
    memcpy(out, data, clear);
    if (!s) s = begin(o->reports, &o->report_count, ssrc, (uint64_t)index);
    see(s, step);
    return whole;
}

int seal_rtcp(Pump *p, Sealer *l, const uint8_t *packet, int size, uint8_t *out) {
    uint32_t index = l->reports_index;
    uint8_t nonce[12], said[REPORT_HEAD + TRAILER], *trailer = said + REPORT_HEAD;
    int body = size - REPORT_HEAD;
    l->reports_index = (index + 1) & 0x7FFFFFFF;
    put_word(trailer, index | 1u << 31);
    nonce_of(nonce, l->reports_salt, word(packet + 4), index);
    memcpy(said, packet, REPORT_HEAD);
    if (out != packet) memcpy(out, packet, REPORT_HEAD);
    if (!cipher_seal(&p->crypto, &l->reports_cipher, nonce, said, sizeof said, packet + REPORT_HEAD, body, out + REPORT_HEAD, out + size)) return FORGED;
    memcpy(out + size + TAG, trailer, TRAILER);
    return size + TAG + TRAILER;
}

/* --- what Python calls, with the interpreter's lock held --- */

Opener *opener_new(Pump *p, const uint8_t *key, const uint8_t *salt, const uint8_t *reports_key, const uint8_t *reports_salt) {
    Opener *o = calloc(1, sizeof *o);
    if (!o) return NULL;
    memcpy(o->salt, salt, 12);
    memcpy(o->reports_salt, reports_salt, 12);
    if (cipher_begin(&p->crypto, &o->cipher, 0, key) && cipher_begin(&p->crypto, &o->reports_cipher, 0, reports_key)) return o;
    opener_free(o);
    return NULL;
}

Sealer *sealer_new(Pump *p, const uint8_t *key, const uint8_t *salt, const uint8_t *reports_key, const uint8_t *reports_salt) {
    Sealer *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    memcpy(l->salt, salt, 12);
    memcpy(l->reports_salt, reports_salt, 12);
    if (cipher_begin(&p->crypto, &l->cipher, 1, key) && cipher_begin(&p->crypto, &l->reports_cipher, 1, reports_key)) return l;
    sealer_free(l);
    return NULL;
}

/* In a cycle of garbage the pump may be freed before them. */
void opener_free(Opener *o) { cipher_end(&o->cipher); cipher_end(&o->reports_cipher); free(o); }
void sealer_free(Sealer *l) { cipher_end(&l->cipher); cipher_end(&l->reports_cipher); free(l); }

int opener_open(Pump *p, Opener *o, const uint8_t *data, int size, uint8_t *out, int is_rtcp) {
    if (size > DATAGRAM) return MALFORMED;
    pthread_mutex_lock(&p->lock);
    int whole = (is_rtcp ? open_rtcp : open_rtp)(p, o, data, size, out);
    pthread_mutex_unlock(&p->lock);
    return whole;
}

int opener_knows(Opener *o, uint32_t ssrc) { return stream_of(o->streams, o->count, ssrc) != NULL; }
int opener_is_newest(Opener *o) { return o->is_newest; }

int sealer_seal(Pump *p, Sealer *l, const uint8_t *header, int header_bytes, const uint8_t *payload, int size, uint8_t *out) {
    if (header_bytes < 12 || header_bytes + size + TAG > LARGEST_OUT) return 0;
    pthread_mutex_lock(&p->lock);
    int whole = seal_rtp(p, l, header, header_bytes, payload, size, out);
    pthread_mutex_unlock(&p->lock);
    return whole < 0 ? 0 : whole;
}

/* `out` has room for `size`, the tag and the trailer. */
int sealer_seal_rtcp(Pump *p, Sealer *l, const uint8_t *packet, int size, uint8_t *out) {
    if (size < REPORT_HEAD) return 0;
    pthread_mutex_lock(&p->lock);
    int whole = seal_rtcp(p, l, packet, size, out);
    pthread_mutex_unlock(&p->lock);
    return whole < 0 ? 0 : whole;
}
