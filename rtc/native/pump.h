/* Shapes and numbers that the C files and rtc/native/library.py share. Change both, and VERSION. */
#pragma once
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

enum { VERSION = 10 };
enum { DATAGRAM = 2048, LARGEST_OUT = 2560, IN = 32, OUT = 96, UPS = 2048, TAG = 16, TRAILER = 4, REPORT_HEAD = 8,
       WINDOW = 1024, MOST_STREAMS = 64, MOST_SHAPES = 8, MOST_OUTLETS = 4, LARGEST_HEADER = 160, WIDE_MASK = 4095, MOST_HELD = 32768, TAPE_RTP = 3, TRANSPORT_WIDE = 15,
       SET_TAG = 0x11, GET_TAG = 0x10 };
enum { FEWEST_OPEN = 4, ALL_OPEN = 64 }; /* how many of 64 streams of pictures may pass; they come back in doubling steps */
#define OPEN_FACTOR 2654435761u
enum { OPEN_SHIFT = 26 };
enum { FEED_NS = 500000000 };    /* under pressure from one request for packets or keyframes to the next: none is heeded then; and from one report to the next */
enum { STALE_NS = 400000000 };   /* in the socket's buffer: a voice that is later disturbs who talks (ITU-T G.114) */
enum { LAZY_NS = 20000000 };   /* browsers report arrivals every 50-100 ms: a little later is no less true */
enum { TICK_NS = 60000000 };   /* Python looks every 50 ms; it makes up for the time for which a report was held */
enum { AT_ONCE_NS = 3000, LOOK_EVERY = 16 }; /* a call that slept took longer */
enum { MALFORMED = -1, REPLAYED = -2, FORGED = -3, TOO_MANY = -4 };       /* answers of open_rtp and open_rtcp */
enum { RAW, OPENED };                                                     /* kinds of Up */
enum { OTHER = 1, VP8, H264 };                                            /* Pipe.payload_types; 0: not carried */
enum { HIGHEST, STAMP, HEARD_NS, RECEIVED, OCTETS, TRANSIT, JITTER_16, ASK_NS, SKIPPED_TO }; /* Pipe.source */
enum { KEY_FIRST, KEY_STAMP, KEY_NS, KEYFRAMES };                         /* Pipe.key */
enum { FRESH = 4, FRESH_BY_PYTHON = -1 };                                 /* bytes of Outlet.fresh; Plan.fresh_at */
enum { HEARD_AT, MEDIA_AT, IS_LOST };                                     /* Pipe.signs, Return.signs */
enum { TOP, REPORTED, FEEDBACKS, OFFSET, OWNER_HEARD_NS };                /* Pipe.uplink, Return.uplink */
enum { COUNTER, CLOCK };                                                  /* Outlet.downlink, Return.downlink */
#define UNTIED INT64_MIN /* OFFSET: the owner's clock is not known yet */
enum { LAGGING_SINCE, SHED_AT, LAG_TURNS, IS_SHEDDING, SHED_FOR };                        /* Pump.pressure */
enum { LARGEST_STEP = 3000, CONTINUOUS = 0x7FFF, OPENED_AT_LEAST = 0x3FFF };               /* steps of sequence numbers */
enum { DATAGRAMS, BYTES, DATAGRAMS_SENT, BYTES_SENT, SENDTO_DROPPED, SENDTO_FAILED, SHED, SRTP_OPENED, SRTP_REPLAYED,
       SRTP_AUTH_FAILED, SRTP_MALFORMED, FAULTS, HANDED_UP, UPS_DROPPED, SRTCP_OPENED, SRTCP_REPLAYED, SRTCP_AUTH_FAILED,
       SRTP_TOO_MANY, SRTP_UNSEALED }; /* Pump.counts */

typedef struct { /* OpenSSL's EVP functions, found by Python */
    void *(*ctx_new)(void);
    void (*ctx_free)(void *);
    void *(*aes_128_gcm)(void);
    int (*encrypt_init)(void *, void *, void *, const uint8_t *, const uint8_t *);
    int (*encrypt)(void *, uint8_t *, int *, const uint8_t *, int);
    int (*encrypt_end)(void *, uint8_t *, int *);
    int (*decrypt_init)(void *, void *, void *, const uint8_t *, const uint8_t *);
    int (*decrypt)(void *, uint8_t *, int *, const uint8_t *, int);
    int (*decrypt_end)(void *, uint8_t *, int *);
    int (*ctrl)(void *, int, int, void *);
    int64_t is_openssl_only;
} Crypto;

typedef struct { /* cipher.c; with OpenSSL's there is no key here but in `ctx` */
    void *ctx;
    void (*free)(void *);
    uint8_t keys[176], powers[128];
} Cipher;

typedef struct { uint32_t ssrc; uint64_t highest, seen[WINDOW / 64]; } Stream;
typedef struct {
    Cipher cipher, reports_cipher;
    uint8_t salt[12], reports_salt[12];
    int count, report_count, is_newest;
    Stream streams[MOST_STREAMS], reports[MOST_STREAMS];
} Opener;
typedef struct {
    Cipher cipher, reports_cipher;
    uint8_t salt[12], reports_salt[12];
    uint32_t reports_index;
    int count;
    Stream streams[MOST_STREAMS];
} Sealer;
typedef struct { uint8_t *data, *taken; int64_t size, room, taken_room, count, dropped; } Tape;

typedef struct { /* rtc/gop.py */
    int64_t *numbers, *places, *sizes, *position;
    uint8_t *arena;
    int64_t arena_bytes, mask;
} Ring;

typedef struct { int32_t header_bytes, sequence_at, has_block; uint8_t mask[LARGEST_HEADER], value[LARGEST_HEADER]; } Shape;
typedef struct { int32_t wide_at, time_at, fresh_at, fresh_header_bytes; uint8_t keep[LARGEST_HEADER], put[LARGEST_HEADER]; } Plan;

typedef struct {
    Sealer *sealer;
    int64_t *counts, *downlink, *sent_uplinks, *sent_numbers;
    int64_t sequence_offset, stamp_offset;
    Ring sent; /* arena NULL: this sink has RTX */
    uint32_t ssrc;
    int32_t address_bytes;
    uint8_t address[32], fresh[FRESH]; /* an element that a keyframe's first packet gets, where its shape's plan says (0: none) */
    int16_t types[256];
    Plan plans[MOST_SHAPES];
} Outlet;

typedef struct Pipe {
    struct Pipe *next;
    Opener *opener;
    int64_t *source, *signs, *uplink, *uplink_numbers, *uplink_times, *key;
    Ring ring;
    int64_t uplink_id, clock_khz;
    Tape *tape;
    int32_t tape_stream, is_armed, is_video, left_out, shape_count, outlet_count, address_bytes;
    uint32_t ssrc;
    uint8_t address[32], payload_types[128];
    Shape shapes[MOST_SHAPES];
    Outlet outlets[MOST_OUTLETS];
} Pipe;

typedef struct Return { /* the way of a sink's feedback to the source that it answers for */
    struct Return *next;
    Opener *opener; /* the sink's */
    Sealer *sealer; /* the source's */
    int64_t *signs, *work, *downlink, *sent_uplinks, *sent_numbers, *uplink, *uplink_times;
    int64_t uplink_id;
    uint32_t speaker, spoken_of; /* SSRCs in the head */
    int32_t address_bytes, to_bytes;
    uint8_t address[32], to[32];
} Return;

typedef struct { int32_t kind, size; int64_t now_ns; int32_t address_bytes, unused; uint8_t address[32], data[DATAGRAM]; } Up;

typedef struct Pump {
    pthread_mutex_t lock;
    Crypto crypto;
    int fd, wake_fd, is_stopped, is_behind, open, out_count;
    unsigned alone; /* how many came alone */
    int64_t *counts, *pressure, shed_after_ns, shed_after_turns, shed_for_ns, shed_for_most_ns, relapse_ns, old_ns, late_ns, overdue_ns, largest_voice;
    uint64_t up_head, up_tail;
    int64_t wake_at_ns; /* 0: nobody has to be woken */
    int64_t fed_ns;        /* when feedback was handed up under pressure */
    int64_t told_ns;       /* and a report */
    int64_t opened_ns;     /* when `open` changed */
    int64_t strained_ns;   /* when there was too little time */
    Pipe *table[4096];
    Return *returns[4096];
    _Alignas(struct cmsghdr) uint8_t in_control[64]; /* when the first of a turn came */
    uint8_t clear[DATAGRAM], in[IN][DATAGRAM], out[OUT][LARGEST_OUT];
    struct sockaddr_storage in_from[IN];
    struct iovec in_vectors[IN], out_vectors[OUT];
    struct mmsghdr in_messages[IN], out_messages[OUT];
    int out_sizes[OUT], out_address_bytes[OUT];
    uint8_t out_addresses[OUT][32];
    Up ups[UPS];
} Pump;

static inline int64_t monotonic_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static inline uint32_t word(const uint8_t *at) { return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3]; }
static inline int half(const uint8_t *at) { return at[0] << 8 | at[1]; }
static inline void put_word(uint8_t *at, uint32_t v) { at[0] = v >> 24; at[1] = v >> 16; at[2] = v >> 8; at[3] = v; }
static inline void put_half(uint8_t *at, int v) { at[0] = v >> 8; at[1] = v; }

/* The first of a compound; in SRTCP its first eight bytes are in the clear. */
static inline int tells_arrivals(const uint8_t *data) { return data[1] == 205 && (data[0] & 0x1F) == TRANSPORT_WIDE; }

/* cipher.c. cipher_needs_openssl: this processor cannot, or what it makes of a sample is not what OpenSSL does; asked once for each
 * pump. The others: 1, or 0 when it could not be done or the tag does not fit; `said` is signed and not sealed. `out` may be `in` where it is
 * sealed; what was opened is worth nothing when the tag does not fit. */
int cipher_needs_openssl(const Crypto *f);
int cipher_begin(const Crypto *f, Cipher *c, int seals, const uint8_t *key);
void cipher_end(Cipher *c);
int cipher_seal(const Crypto *f, const Cipher *c, const uint8_t *nonce, const uint8_t *said, int said_bytes, const uint8_t *in, int size, uint8_t *out, uint8_t *tag);
int cipher_open(const Crypto *f, const Cipher *c, const uint8_t *nonce, const uint8_t *said, int said_bytes, const uint8_t *in, int size, const uint8_t *tag, uint8_t *out);

/* srtp.c. Opening answers the size of what is in the clear in `out`, or one of the negative answers above; sealing the
 * datagram's size, 0 when the number may not be sealed (rtc/srtp.py). `out` may be where the packet is that is sealed. */
int open_rtp(Pump *p, Opener *o, const uint8_t *data, int size, uint8_t *out);
int open_rtcp(Pump *p, Opener *o, const uint8_t *data, int size, uint8_t *out);
int seal_rtp(Pump *p, Sealer *l, const uint8_t *header, int header_bytes, const uint8_t *payload, int size, uint8_t *out);
int seal_rtcp(Pump *p, Sealer *l, const uint8_t *packet, int size, uint8_t *out);
void opener_free(Opener *o);
void sealer_free(Sealer *l);

/* packet.c; `data` of `size` bytes without its header, but with it for shape_of, which answers -1 for none */
int vp8_starts_keyframe(const uint8_t *data, int size);
int h264_starts_keyframe(const uint8_t *data, int size);
int shape_of(const Pipe *q, const uint8_t *data, int size);

/* Whether pictures of this stream are let through already. */
static inline int is_open(const Pump *p, uint32_t ssrc) { return (int)((ssrc * OPEN_FACTOR) >> OPEN_SHIFT) < p->open; }

/* sieve.c; 0: nothing is dropped there */
int sieve(int fd, int largest_voice, int open);

/* pressure.c; at the end of each turn: `count` came, and for so long the oldest handed up waits for Python */
void press(Pump *p, int count, int64_t up_waits_ns, int is_overrun, int64_t now_ns);
void keep_sieved(Pump *p, int64_t now_ns);

/* tape.c */
void tape_packet(Tape *t, int stream, int64_t now_ns, const uint8_t *packet, int size);

/* feedback.c */
enum { CARRIED = -1 };
int is_report(const uint8_t *compound, int size);
int turn_round(Return *r, uint8_t *packet, int size, int64_t now_ns);
int carry_back(Pump *p, Return *r, const uint8_t *data, int size, int64_t now_ns);

/* socket.c */
void socket_begin(Pump *p);
int receive(Pump *p, int64_t *now_ns);
int64_t waited_ns(Pump *p);
void send_out(Pump *p, const uint8_t *to, int to_bytes, int size); /* what was sealed into p->out[p->out_count] */
void flush_out(Pump *p);
