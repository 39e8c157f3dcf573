/* Transport-wide feedback from a sink straight on to the source that it answers for, with another head and another first delta.
 * The same as `Downlink.pass_on` and `Uplink.passed_on` in rtc/congestion.py: what does not pass here goes up to Python, opened. */

#include "pump.h"

#include <string.h>

enum { SENDER_REPORT = 200, RECEIVER_REPORT = 201, DESCRIPTION = 202, EXTENDED_REPORT = 207 };
enum { STEP_NS = 250000, REFERENCE_TICKS = 256, CLOCK_JUMP_TICKS = 20000, FIRST_CHUNK = 20, SHORTEST = 22, COST = 10 };

/* rtc/twcc.py, first_delta: where the delta of the first packet that arrived lies, and its bytes; 0: none, cut short or wrong. */
static int first_delta(const uint8_t *data, int size, int count, int *at_out) {
    int at = FIRST_CHUNK, seen = 0, first = 0, deltas = 0;
    while (seen < count) {
        if (at + 2 > size) return 0;
        int chunk = half(data + at);
        at += 2;
        if (!(chunk & 0x8000)) {
            int symbol = chunk >> 13, run = chunk & 0x1FFF;
            if (run > count - seen) run = count - seen;
            if (symbol == 3 || !run) return 0;
            if (!first) first = symbol;
            deltas += symbol * run;
            seen += run;
            continue;
        }
        int bits = chunk & 0x4000 ? 2 : 1, places = 14 / bits;
        for (int i = 0; i < places && seen < count; i++, seen++) {
            int symbol = chunk >> (14 - bits * (i + 1)) & (bits == 2 ? 3 : 1);
            if (symbol == 3) return 0;
            if (!first) first = symbol;
            deltas += symbol;
        }
    }
    *at_out = at;
    return at + deltas <= size ? first : 0;
}

/* `packet` is one compound in the clear with room for three bytes behind it; it becomes what goes to the source, and the size
 * of that is answered. 0: not for here, and nothing was changed. */
int turn_round(Return *r, uint8_t *packet, int size, int64_t now_ns) {
    if (size < SHORTEST || packet[0] >> 6 != 2 || !tells_arrivals(packet) || size != 4 + 4 * half(packet + 2)) return 0;
    if (packet[0] & 0x20) {
        int cut = packet[size - 1];
        if (!cut || cut > size - 4) return 0;
        size -= cut;
    }
    if (size < SHORTEST) return 0;
    int base = half(packet + 12), count = half(packet + 14), start = base & WIDE_MASK, at = 0;
    int behind = (int)(r->downlink[COUNTER] - base) & 0xFFFF;
    if (COST + count > r->work[0] || behind > WIDE_MASK || !count || count > behind + 1 || start + count > WIDE_MASK + 1) return 0;
    int64_t *u = r->uplink, first = u[REPORTED] + 1;
    if (u[OFFSET] == UNTIED) return 0;
    for (int i = 0; i < count; i++)
        if (r->sent_uplinks[start + i] != r->uplink_id || r->sent_numbers[start + i] != first + i) return 0;
    int64_t reference = (int64_t)(word(packet + 16) >> 8) * REFERENCE_TICKS;
    int64_t clock = r->downlink[CLOCK] + (int32_t)(uint32_t)(reference - r->downlink[CLOCK]);
    int64_t off = r->uplink_times[first & WIDE_MASK] / STEP_NS - clock - u[OFFSET];
    if (off > CLOCK_JUMP_TICKS || off < -CLOCK_JUMP_TICKS) return 0;
    int delta_bytes = first_delta(packet, size, count, &at);
    if (!delta_bytes) return 0;
    int64_t heard = clock + u[OFFSET] + (delta_bytes == 1 ? packet[at] : (int16_t)half(packet + at));
    if (heard < 0) return 0;

    r->work[0] -= COST + count;
    r->downlink[CLOCK] = clock;
    u[OWNER_HEARD_NS] = now_ns;
    int gap = -size & 3;
    memset(packet + size, 0, gap);
    if (gap) packet[size + gap - 1] = (uint8_t)gap; /* RFC 3550 6.4.1: the last byte counts it */
    packet[0] = 0x80 | TRANSPORT_WIDE | (gap ? 0x20 : 0);
    put_half(packet + 2, (size + gap) / 4 - 1);
    put_word(packet + 4, r->speaker);
    put_word(packet + 8, r->spoken_of);
    put_half(packet + 12, (int)first & 0xFFFF);
    put_word(packet + 16, (uint32_t)(heard / REFERENCE_TICKS) << 8 | (u[FEEDBACKS] & 0xFF));
    packet[at] = 0;
    packet[at + delta_bytes - 1] = (uint8_t)(heard % REFERENCE_TICKS);
    u[FEEDBACKS]++;
    u[REPORTED] += count;
    return size + gap;
}

/* Nothing but reports and descriptions (RFC 3550 6, RFC 3611), which nobody waits for. */
int is_report(const uint8_t *compound, int size) {
    int at = 0;
    while (at + 4 <= size) {
        int kind = compound[at + 1];
        if (kind != SENDER_REPORT && kind != RECEIVER_REPORT && kind != DESCRIPTION && kind != EXTENDED_REPORT) return 0;
        at += 4 + 4 * half(compound + at + 2);
    }
    return 1;
}

/* One SRTCP datagram. CARRIED: done with; 0: Python sees it as it came; else it is in `p->clear`, of
 * the size that is answered, and for Python. */
int carry_back(Pump *p, Return *r, const uint8_t *data, int size, int64_t now_ns) {
    if (r->signs[IS_LOST] || p->out_count >= OUT) return 0;
    uint8_t *packet = p->clear;
    int whole = open_rtcp(p, r->opener, data, size, packet);
    if (whole < 0) {
        p->counts[whole == FORGED ? SRTCP_AUTH_FAILED : whole == REPLAYED ? SRTCP_REPLAYED : whole == TOO_MANY ? SRTP_TOO_MANY : SRTP_MALFORMED]++;
        return CARRIED;
    }
    p->counts[SRTCP_OPENED]++;
    r->signs[HEARD_AT] = now_ns;
    int told = turn_round(r, packet, whole, now_ns);
    if (!told) return whole;
    int sealed = seal_rtcp(p, r->sealer, packet, told, p->out[p->out_count]);
    if (sealed > 0) send_out(p, r->to, r->to_bytes, sealed);
    return CARRIED;
}
