/* Shapes and numbers that pump.c and rtc/native/library.py share. Change both, and VERSION. */
#pragma once
#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { VERSION = 4 };
enum { DATAGRAM = 2048, LARGEST_OUT = 2560, IN = 32, OUT = 96, UPS = 2048, TAG = 16, WINDOW = 1024, MOST_STREAMS = 64, MOST_SHAPES = 8,
       MOST_OUTLETS = 4, LARGEST_HEADER = 160, WIDE_MASK = 4095, MOST_HELD = 32768, TAPE_RTP = 3, SET_TAG = 0x11, GET_TAG = 0x10 };
enum { LAZY_NS = 20000000 }; /* browsers report arrivals every 50-100 ms: a little later is no less true */
enum { MALFORMED = -1, REPLAYED = -2, FORGED = -3, TOO_MANY = -4 };       /* answers of open_rtp */
enum { RAW, OPENED };                                                     /* kinds of Up */
enum { OTHER = 1, VP8, H264 };                                            /* Pipe.payload_types; 0: not carried */
enum { HIGHEST, STAMP, HEARD_NS, RECEIVED, OCTETS, TRANSIT, JITTER_16, ASK_NS, SKIPPED_TO }; /* Pipe.source */
enum { HEARD_AT, MEDIA_AT, IS_LOST };                                     /* Pipe.signs */
enum { LAGGING_SINCE, SHED_AT, LAG_TURNS, IS_SHEDDING, SHED_FOR };                        /* Pump.pressure */
enum { LARGEST_STEP = 3000, CONTINUOUS = 0x7FFF, OPENED_AT_LEAST = 0x3FFF };               /* steps of sequence numbers */
enum { DATAGRAMS, BYTES, DATAGRAMS_SENT, BYTES_SENT, SENDTO_DROPPED, SENDTO_FAILED, SHED, SRTP_OPENED, SRTP_REPLAYED,
       SRTP_AUTH_FAILED, SRTP_MALFORMED, FAULTS, HANDED_UP, UPS_DROPPED };           /* Pump.counts */

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
} Crypto;

typedef struct { uint32_t ssrc; uint64_t highest, seen[WINDOW / 64]; } Stream;
typedef struct { void *ctx; void (*ctx_free)(void *); uint8_t salt[12]; int count, is_newest; Stream streams[MOST_STREAMS]; } Opener;
typedef struct { void *ctx; void (*ctx_free)(void *); uint8_t salt[12]; int count; Stream streams[MOST_STREAMS]; } Sealer;
typedef struct { uint8_t *data; int64_t size, room, count, dropped; } Tape;

typedef struct { /* rtc/gop.py */
    int64_t *numbers, *places, *sizes, *position;
    uint8_t *arena;
    int64_t arena_bytes, mask;
} Ring;

typedef struct { int32_t header_bytes, sequence_at, has_block; uint8_t mask[LARGEST_HEADER], value[LARGEST_HEADER]; } Shape;
typedef struct { int32_t wide_at, time_at; uint8_t keep[LARGEST_HEADER], put[LARGEST_HEADER]; } Plan;

typedef struct {
    Sealer *sealer;
    int64_t *counts, *counter, *sent_uplinks, *sent_numbers;
    int64_t sequence_offset, stamp_offset;
    Ring sent; /* arena NULL: this sink has RTX */
    uint32_t ssrc;
    int32_t address_bytes;
    uint8_t address[32];
    int16_t types[256];
    Plan plans[MOST_SHAPES];
} Outlet;

typedef struct Pipe {
    struct Pipe *next;
    Opener *opener;
    int64_t *source, *signs, *uplink_top, *uplink_numbers, *uplink_times;
    Ring ring;
    int64_t uplink_id, clock_khz;
    Tape *tape;
    int32_t tape_stream, is_armed, is_video, left_out, shape_count, outlet_count, address_bytes;
    uint32_t ssrc;
    uint8_t address[32], payload_types[128];
    Shape shapes[MOST_SHAPES];
    Outlet outlets[MOST_OUTLETS];
} Pipe;

typedef struct { int32_t kind, size; int64_t now_ns; int32_t address_bytes, unused; uint8_t address[32], data[DATAGRAM]; } Up;

typedef struct Pump {
    pthread_mutex_t lock;
    Crypto crypto;
    int fd, wake_fd, is_stopped, out_count;
    int64_t *counts, *pressure, shed_after_ns, shed_after_turns, shed_for_ns, shed_for_most_ns, relapse_ns, old_ns, late_ns, overdue_ns, largest_voice;
    uint64_t up_head, up_tail;
    int64_t lazy_since_ns; /* 0: nobody has to be woken */
    int64_t fed_ns;        /* when feedback was handed up under pressure */
    Pipe *table[4096];
    _Alignas(struct cmsghdr) uint8_t in_control[64]; /* when the first of a turn came */
    uint8_t clear[DATAGRAM], in[IN][DATAGRAM], out[OUT][LARGEST_OUT];
    struct sockaddr_storage in_from[IN];
    struct iovec in_vectors[IN], out_vectors[OUT];
    struct mmsghdr in_messages[IN], out_messages[OUT];
    const Outlet *out_to[OUT];
    int out_sizes[OUT], out_address_bytes[OUT];
    uint8_t out_addresses[OUT][32];
    Up ups[UPS];
} Pump;
