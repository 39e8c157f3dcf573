/* What a packet says: whether it starts a keyframe (RFC 7741, RFC 6184), and which of a pipe's header shapes it has. */

#include "pump.h"

int vp8_starts_keyframe(const uint8_t *d, int size) {
    if (size < 2 || (d[0] & 0x17) != 0x10) return 0;
    int at = 1;
    if (d[0] & 0x80) {
        at = 2;
        if (d[1] & 0x80) {
            if (size <= at) return 0;
            at += d[at] & 0x80 ? 2 : 1;
        }
        at += (d[1] & 0x40 ? 1 : 0) + (d[1] & 0x30 ? 1 : 0);
    }
    return at < size && !(d[at] & 1);
}

int h264_starts_keyframe(const uint8_t *d, int size) {
    if (size < 2) return 0;
    int kind = d[0] & 0x1F;
    if (kind == 5 || kind == 7) return 1;
    if (kind == 24) {
        for (int at = 1; at + 3 <= size; at += 2 + half(d + at))
            if ((d[at + 2] & 0x1F) == 5 || (d[at + 2] & 0x1F) == 7) return 1;
        return 0;
    }
    return kind == 28 && ((d[1] & 0x9F) == 0x85 || (d[1] & 0x9F) == 0x87);
}

int shape_of(const Pipe *q, const uint8_t *data, int size) {
    for (int i = 0; i < q->shape_count; i++) {
        const Shape *s = &q->shapes[i];
        if (s->has_block != (data[0] >> 4 & 1) || size < s->header_bytes + TAG) continue;
        int at = 12;
        while (at < s->header_bytes && (data[at] & s->mask[at]) == s->value[at]) at++;
        if (at == s->header_bytes) return i;
    }
    return -1;
}
