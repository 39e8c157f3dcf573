/* The ordinary packet's way, from the socket to the socket: open, keep, rewrite, seal, send (RFC 3550).
 *
 * What is ordinary: RTP of a stream that has a pipe, next in its order, of a known shape, no start of an H.264 keyframe; and feedback that
 * has a way back (feedback.c). All else goes up to Python, which shares the arrays that are written here (rtc/state.py names
 * their places). `lock` guards all of it. One thread is in pump_run; it never touches Python. */

#include "pump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- where packets go --- */

/* Python takes them without the lock. */
static uint64_t ups_waiting(Pump *p) { return p->up_head - __atomic_load_n(&p->up_tail, __ATOMIC_ACQUIRE); }

static void up(Pump *p, int kind, const uint8_t *data, int size, const struct sockaddr_storage *from, int from_bytes, int64_t now_ns) {
    if (ups_waiting(p) >= UPS) {
        p->counts[UPS_DROPPED]++;
        return;
    }
    Up *u = &p->ups[p->up_head % UPS];
    u->kind = kind;
    u->size = size;
    u->now_ns = now_ns;
    u->address_bytes = from_bytes;
    memcpy(u->address, from, from_bytes);
    memcpy(u->data, data, size);
    __atomic_store_n(&p->up_head, p->up_head + 1, __ATOMIC_RELEASE);
    p->counts[HANDED_UP]++;
}

static void keep(Ring *r, int64_t number, const uint8_t *head, int head_bytes, const uint8_t *body, int size) {
    int64_t place = *r->position, at = place % r->arena_bytes, i = number & r->mask;
    if (at + head_bytes + size > r->arena_bytes) place += r->arena_bytes - at, at = 0;
    memcpy(r->arena + at, head, head_bytes);
    memcpy(r->arena + at + head_bytes, body, size);
    r->places[i] = place;
    r->sizes[i] = head_bytes + size;
    r->numbers[i] = number;
    *r->position = place + head_bytes + size;
}

/* The header gets one more element; the block that it goes into is there (rtc/rtp.py, add_element). */
static int freshen(const Outlet *o, const Plan *plan, uint8_t *header) {
    memcpy(header + plan->fresh_at, o->fresh, FRESH);
    memset(header + plan->fresh_at + FRESH, 0, plan->fresh_header_bytes - plan->fresh_at - FRESH);
    put_half(header + 14, (plan->fresh_header_bytes - 16) / 4);
    return plan->fresh_header_bytes;
}

static void pour(Pump *p, Pipe *q, Outlet *o, const uint8_t *packet, int size, int shape, int64_t number, uint32_t stamp, int64_t wide, int64_t now_ns, int is_key) {
    const Plan *plan = &o->plans[shape];
    int header = q->shapes[shape].header_bytes, out_header = header;
    uint8_t *out = p->out[p->out_count];
    out[0] = packet[0];
    out[1] = (uint8_t)o->types[packet[1]];
    put_half(out + 2, (int)(number + o->sequence_offset) & 0xFFFF);
    put_word(out + 4, (uint32_t)(stamp + (uint64_t)o->stamp_offset));
    put_word(out + 8, o->ssrc);
    for (int i = 12; i < header; i++) out[i] = (packet[i] & plan->keep[i]) | plan->put[i];
    if (plan->wide_at) {
        int64_t count = o->downlink[COUNTER] = (o->downlink[COUNTER] + 1) & 0xFFFF;
        put_half(out + plan->wide_at, (int)count);
        o->sent_uplinks[count & WIDE_MASK] = q->uplink_id;
        o->sent_numbers[count & WIDE_MASK] = wide;
    }
    if (plan->time_at) {
        uint32_t fixed = (uint32_t)(((unsigned __int128)now_ns << 18) / 1000000000u);
        out[plan->time_at] = fixed >> 16;
        out[plan->time_at + 1] = fixed >> 8;
        out[plan->time_at + 2] = fixed;
    }
    if (is_key && plan->fresh_at) out_header = freshen(o, plan, out);
    int whole = seal_rtp(p, o->sealer, out, out_header, packet + header, size - header, out);
    if (whole <= 0) {
        p->counts[SRTP_UNSEALED]++;
        return;
    }
    o->counts[0]++;
    o->counts[1] += size - header;
    if (o->sent.arena) keep(&o->sent, (number + o->sequence_offset) & 0xFFFF, out, whole, out, 0);
    send_out(p, o->address, o->address_bytes, whole);
}

/* Whether Python need not see a keyframe's first packet: it says nothing that the pump could not note. */
static int knows_key(const Pipe *q, int codec, int shape) {
    for (int i = 0; i < q->outlet_count; i++)
        if (q->outlets[i].plans[shape].fresh_at == FRESH_BY_PYTHON) return 0;
    return codec == VP8;
}

static int64_t arrived(Pipe *q, int sequence, int64_t now_ns) {
    int64_t top = q->uplink[TOP], number;
    int step = (sequence - (int)(top & 0xFFFF)) & 0xFFFF;
    if (top < 0) return -2; /* the first packet of all: Python begins */
    number = step < 0x8000 ? (q->uplink[TOP] = top + step) : top + step - 0x10000;
    q->uplink_numbers[number & WIDE_MASK] = number;
    q->uplink_times[number & WIDE_MASK] = now_ns;
    return number;
}

/* One RTP datagram. 1: done with; 0: not ordinary, Python sees it as it came. `is_late`: Python is, so what is missing is not
 * asked for but skipped, as after pictures were left out. */
static int carry(Pump *p, Pipe *q, const uint8_t *data, int size, const struct sockaddr_storage *from, int from_bytes, int64_t now_ns, int is_late) {
    int64_t *s = q->source;
    if (!q->is_armed || q->signs[IS_LOST] || data[0] & 0x2F || (now_ns >= s[ASK_NS] && !is_late)) return 0;
    int step = (half(data + 2) - (int)(s[HIGHEST] & 0xFFFF)) & 0xFFFF;
    if (step != 1 && !(step && step <= (q->left_out ? CONTINUOUS : is_late ? LARGEST_STEP : 1))) return 0;
    int64_t number = s[HIGHEST] + step;
    int shape = shape_of(q, data, size);
    if (shape < 0 || p->out_count + q->outlet_count > OUT) return 0;
    for (int i = 0; i < q->outlet_count; i++)
        if (q->outlets[i].types[data[1]] < 0) return 0;
    if (!q->payload_types[data[1] & 0x7F] || (q->shapes[shape].sequence_at && q->uplink[TOP] < 0)) return 0;
    uint8_t *packet = p->clear;
    int whole = open_rtp(p, q->opener, data, size, packet);
    if (whole < 0) {
        p->counts[whole == FORGED ? SRTP_AUTH_FAILED : whole == REPLAYED ? SRTP_REPLAYED : whole == TOO_MANY ? SRTP_TOO_MANY : SRTP_MALFORMED]++;
        return 1;
    }
    p->counts[SRTP_OPENED]++;
    q->signs[HEARD_AT] = q->signs[MEDIA_AT] = now_ns;
    q->left_out = 0;
    if (step != 1) s[SKIPPED_TO] = number, s[HIGHEST] = number - 1;
    int header = q->shapes[shape].header_bytes;
    uint32_t stamp = word(packet + 4);
    int codec = q->payload_types[packet[1] & 0x7F];
    int is_new = (int64_t)stamp != s[STAMP];
    int is_key = (codec == VP8 && is_new && vp8_starts_keyframe(packet + header, whole - header)) ||
                 (codec == H264 && h264_starts_keyframe(packet + header, whole - header));
    if (is_key && !knows_key(q, codec, shape)) {
        up(p, OPENED, packet, whole, from, from_bytes, now_ns);
        return 1;
    }
    is_key = is_key && (int64_t)stamp != q->key[KEY_STAMP];
    if (is_key) q->key[KEY_FIRST] = number, q->key[KEY_STAMP] = stamp, q->key[KEY_NS] = now_ns, q->key[KEYFRAMES]++;
    int64_t wide = q->shapes[shape].sequence_at ? arrived(q, half(packet + q->shapes[shape].sequence_at), now_ns) : -1;
    s[HIGHEST] = number;
    s[RECEIVED]++;
    s[OCTETS] += whole;
    s[HEARD_NS] = now_ns;
    keep(&q->ring, number, packet, header, packet + header, whole - header);
    if (is_new) {
        int64_t transit = (int64_t)((__int128)now_ns * q->clock_khz / 1000000) - stamp;
        if (s[TRANSIT]) {
            int32_t step = (int32_t)(uint32_t)(transit - s[TRANSIT]);
            s[JITTER_16] += (step < 0 ? -(int64_t)step : step) - ((s[JITTER_16] + 8) >> 4);
        }
        s[TRANSIT] = transit;
        s[STAMP] = stamp;
    }
    for (int i = 0; i < q->outlet_count; i++) pour(p, q, &q->outlets[i], packet, whole, shape, number, stamp, wide, now_ns, is_key);
    if (q->tape) tape_packet(q->tape, q->tape_stream, now_ns, packet, whole);
    return 1;
}

/* What only helps pictures and the estimate of the way; reception and sender reports are other packets. SRTCP's first eight
 * bytes are in the clear. */
static int is_feedback(const uint8_t *data) { return data[1] == 205 || data[1] == 206; }

/* --- the tables: pipes by SSRC and address, ways back by address --- */

static Pipe **slot_of(Pump *p, uint32_t ssrc) { return &p->table[(ssrc * 2654435761u) >> 20]; }

static Pipe *pipe_of(Pump *p, uint32_t ssrc, const void *from, int from_bytes) {
    for (Pipe *q = *slot_of(p, ssrc); q; q = q->next)
        if (q->ssrc == ssrc && q->address_bytes == from_bytes && !memcmp(q->address, from, from_bytes)) return q;
    return NULL;
}

static Return **return_slot(Pump *p, const uint8_t *from, int from_bytes) {
    uint32_t sum = 2166136261u;
    for (int i = 0; i < from_bytes; i++) sum = (sum ^ from[i]) * 16777619u;
    return &p->returns[(sum ^ sum >> 16) & 4095];
}

static Return *return_of(Pump *p, const void *from, int from_bytes) {
    for (Return *r = *return_slot(p, from, from_bytes); r; r = r->next)
        if (r->address_bytes == from_bytes && !memcmp(r->address, from, from_bytes)) return r;
    return NULL;
}

/* --- the thread --- */

/* How long the oldest datagram that was handed up waits for Python, which may take the last one meanwhile: the place behind it
 * has what lay there long ago. */
static int64_t up_waits_ns(Pump *p, int64_t now_ns) {
    uint64_t tail = __atomic_load_n(&p->up_tail, __ATOMIC_ACQUIRE);
    return tail == p->up_head ? 0 : now_ns - p->ups[tail % UPS].now_ns;
}

/* Where so much was left out (and lost before it came here) a picture is opened all the same: the rollover count is guessed
 * from the last. */
static int is_far(const Pipe *q, const uint8_t *data) {
    int step = (half(data + 2) - (int)(q->source[HIGHEST] & 0xFFFF)) & 0xFFFF;
    return q->left_out && step > OPENED_AT_LEAST && step <= CONTINUOUS;
}

/* A picture that is left out, unopened, or all that came too late. */
static int is_left_out(Pump *p, Pipe *q, int size, int is_stale) {
    if (!is_stale && (q ? !q->is_video : size <= p->largest_voice)) return 0;
    if (q) q->left_out = 1;
    p->counts[SHED]++;
    return 1;
}

static void turn(Pump *p, int count, int64_t now_ns) {
    int is_urgent = 0, is_crowded = ups_waiting(p) > UPS / 2;
    int64_t waits_ns = up_waits_ns(p, now_ns);
    int is_shedding = p->pressure[IS_SHEDDING] != 0, is_stale = is_shedding && count > 1 && waited_ns(p) >= STALE_NS;
    int is_pressed = p->open < ALL_OPEN || is_shedding; /* also while pictures come back */
    int is_late = is_crowded || waits_ns >= p->late_ns, is_overdue = is_crowded || waits_ns >= p->overdue_ns;
    for (int i = 0; i < count; i++) {
        const uint8_t *data = p->in[i];
        int may_wait_ns = 0, opened = 0, size = (int)p->in_messages[i].msg_len, from_bytes = (int)p->in_messages[i].msg_hdr.msg_namelen;
        p->counts[DATAGRAMS]++;
        p->counts[BYTES] += size;
        if (size > 12 && data[0] >> 6 == 2 && !(data[1] >= 192 && data[1] <= 223)) {
            uint32_t ssrc = word(data + 8);
            Pipe *q = pipe_of(p, ssrc, &p->in_from[i], from_bytes);
            if ((is_shedding || !is_open(p, ssrc)) && !(q && is_far(q, data)) && is_left_out(p, q, size, is_stale)) continue;
            if (i) now_ns = monotonic_ns();
            uint64_t before = p->up_head;
            if (q && carry(p, q, data, size, &p->in_from[i], from_bytes, now_ns, is_late || is_pressed)) {
                is_urgent |= p->up_head != before;
                continue;
            }
            if (is_late && is_left_out(p, q, size, 0)) continue;
        } else if (size > 12 && data[0] >> 6 == 2) {
            if (i) now_ns = monotonic_ns();
            int may_pass = !is_pressed || now_ns - p->fed_ns >= FEED_NS;
            Return *r = may_pass || !is_feedback(data) ? return_of(p, &p->in_from[i], from_bytes) : NULL;
            opened = r ? carry_back(p, r, data, size, now_ns) : 0;
            if (opened == CARRIED) continue;
            if (is_feedback(data)) {
                if (is_late || !may_pass) {
                    p->counts[UPS_DROPPED]++; /* there is more of it the more is lost, and late it is worth nothing */
                    continue;
                }
                p->fed_ns = now_ns;
            }
            if (opened) data = p->clear, size = opened;
            if (opened && is_report(data, size)) {
                if (is_pressed && now_ns - p->told_ns < FEED_NS) {
                    p->counts[UPS_DROPPED]++;
                    continue;
                }
                p->told_ns = now_ns;
                may_wait_ns = TICK_NS;
            } else if (tells_arrivals(data) && (!opened || size == 4 + 4 * half(data + 2))) may_wait_ns = LAZY_NS; /* nothing behind it */
        }
        if (!ups_waiting(p)) p->wake_at_ns = 0;
        up(p, opened ? OPENED : RAW, data, size, &p->in_from[i], from_bytes, now_ns);
        if (!may_wait_ns) is_urgent = 1;
        else if (!p->wake_at_ns || now_ns + may_wait_ns < p->wake_at_ns) p->wake_at_ns = now_ns + may_wait_ns;
    }
    press(p, count, waits_ns, is_overdue, now_ns);
    keep_sieved(p, now_ns);
    if (is_urgent || (p->wake_at_ns && now_ns >= p->wake_at_ns && ups_waiting(p))) {
        uint64_t one = 1;
        p->wake_at_ns = 0;
        if (write(p->wake_fd, &one, sizeof one) < 0) p->counts[FAULTS]++;
    }
}

/* Short turns, asked for often: EEVDF (Linux 6.12 and newer; sched(7)) then lets this thread go before those that want long
 * ones, so that a packet does not wait for the interpreter on a slow or busy processor. Older kernels take no notice. */
static void be_prompt(void) {
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {.size = sizeof attributes};
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) || attributes.policy != 0) return;
    attributes.runtime = 100000; /* ns, the least there is */
    syscall(SYS_sched_setattr, 0, &attributes, 0);
}

static int is_stopped(Pump *p) { return __atomic_load_n(&p->is_stopped, __ATOMIC_ACQUIRE); }

/* Carries packets until pump_stop and a shutdown of the socket. The socket blocks; Python sends on it with MSG_DONTWAIT. */
void pump_run(Pump *p) {
    be_prompt();
    while (!is_stopped(p)) {
        int64_t now_ns;
        int count = receive(p, &now_ns);
        if (is_stopped(p))
            while (count > 0 && !p->in_messages[count - 1].msg_len) count--; /* what a socket that was shut has */
        if (count <= 0) {
            if (count < 0 && errno != EAGAIN && errno != EINTR) p->counts[FAULTS]++; /* an ICMP answer to what was sent */
            continue;
        }
        pthread_mutex_lock(&p->lock);
        turn(p, count, now_ns);
        pthread_mutex_unlock(&p->lock);
        flush_out(p);
    }
}

/* --- what Python calls, with the interpreter's lock held --- */

Pump *pump_new(const Crypto *crypto, int fd, int wake_fd, int64_t *counts, int64_t *pressure, const int64_t *limits) {
    Pump *p = calloc(1, sizeof *p);
    pthread_mutexattr_t again;
    if (!p) return NULL;
    pthread_mutexattr_init(&again);
    pthread_mutexattr_settype(&again, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&p->lock, &again);
    p->crypto = *crypto;
    p->crypto.is_openssl_only |= cipher_needs_openssl(crypto);
    p->fd = fd;
    p->wake_fd = wake_fd;
    p->counts = counts;
    p->pressure = pressure;
    p->shed_after_ns = limits[0];
    p->shed_after_turns = limits[1];
    p->shed_for_ns = limits[2];
    p->shed_for_most_ns = limits[3];
    p->relapse_ns = limits[4];
    p->old_ns = limits[5];
    p->late_ns = limits[6];
    p->overdue_ns = limits[7];
    p->largest_voice = limits[8];
    p->open = ALL_OPEN;
    socket_begin(p);
    return p;
}

void pump_stop(Pump *p) { __atomic_store_n(&p->is_stopped, 1, __ATOMIC_RELEASE); }
void pump_free(Pump *p) { pthread_mutex_destroy(&p->lock); free(p); }
void pump_lock(Pump *p) { pthread_mutex_lock(&p->lock); }
void pump_unlock(Pump *p) { pthread_mutex_unlock(&p->lock); }

Up *pump_up(Pump *p) { /* the oldest that waits; pump_done when it was read */
    return __atomic_load_n(&p->up_head, __ATOMIC_ACQUIRE) == p->up_tail ? NULL : &p->ups[p->up_tail % UPS];
}

void pump_done(Pump *p) { __atomic_add_fetch(&p->up_tail, 1, __ATOMIC_RELEASE); }

void pump_add(Pump *p, Pipe *q) {
    pthread_mutex_lock(&p->lock);
    Pipe **slot = slot_of(p, q->ssrc);
    q->next = *slot;
    *slot = q;
    pthread_mutex_unlock(&p->lock);
}

void pump_remove(Pump *p, Pipe *q) {
    pthread_mutex_lock(&p->lock);
    for (Pipe **at = slot_of(p, q->ssrc); *at; at = &(*at)->next)
        if (*at == q) {
            *at = q->next;
            break;
        }
    pthread_mutex_unlock(&p->lock);
}

void pump_add_return(Pump *p, Return *r) {
    pthread_mutex_lock(&p->lock);
    Return **slot = return_slot(p, r->address, r->address_bytes);
    r->next = *slot;
    *slot = r;
    pthread_mutex_unlock(&p->lock);
}

void pump_remove_return(Pump *p, Return *r) {
    pthread_mutex_lock(&p->lock);
    for (Return **at = return_slot(p, r->address, r->address_bytes); *at; at = &(*at)->next)
        if (*at == r) {
            *at = r->next;
            break;
        }
    pthread_mutex_unlock(&p->lock);
}

int pump_sizes(int which) { return which == 0 ? (int)sizeof(Pipe) : which == 1 ? (int)sizeof(Up) : which == 2 ? (int)sizeof(Crypto) : which == 3 ? (int)sizeof(Return) : VERSION; }
