/* What waits for the disk: records as media/journal.py has them, one behind the other. */

#include "pump.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ROOM_KEPT = 1 << 20 }; /* bytes; more was held only while the disk stood still */

static int tape_room(Tape *t, int more) {
    if (t->count >= MOST_HELD) return 0;
    if (t->size + more <= t->room) return 1;
    int64_t room = t->room ? t->room * 2 : 1 << 16;
    while (room < t->size + more) room *= 2;
    uint8_t *data = realloc(t->data, room);
    if (!data) return 0;
    t->data = data;
    t->room = room;
    return 1;
}

static void tape_add(Tape *t, const uint8_t *head, int head_bytes, const uint8_t *body, int size) {
    if (!tape_room(t, head_bytes + size)) {
        t->dropped++;
        return;
    }
    memcpy(t->data + t->size, head, head_bytes);
    memcpy(t->data + t->size + head_bytes, body, size);
    t->size += head_bytes + size;
    t->count++;
}

void tape_packet(Tape *t, int stream, int64_t now_ns, const uint8_t *packet, int size) {
    uint8_t head[15] = {TAPE_RTP}; /* media/journal.py, RECORD: little endian like every machine this runs on */
    uint16_t number = (uint16_t)stream;
    uint32_t length = (uint32_t)size;
    memcpy(head + 1, &number, 2);
    memcpy(head + 3, &length, 4);
    memcpy(head + 7, &now_ns, 8);
    tape_add(t, head, sizeof head, packet, size);
}

/* --- what Python calls; the pump's lock guards a tape --- */

Tape *tape_new(void) { return calloc(1, sizeof(Tape)); }
void tape_free(Tape *t) { free(t->data); free(t->taken); free(t); }

void tape_keep(Pump *p, Tape *t, const uint8_t *record, int size) {
    pthread_mutex_lock(&p->lock);
    tape_add(t, record, size, record, 0);
    pthread_mutex_unlock(&p->lock);
}

/* Hands over what is held: its bytes, which stay until the next call, their size, the number of records. The room of what was
 * handed over last is written into again: fresh memory costs a fault for every page. */
uint8_t *tape_take(Pump *p, Tape *t, int64_t *size, int64_t *count) {
    pthread_mutex_lock(&p->lock);
    *size = t->size;
    *count = t->count;
    if (t->count) {
        uint8_t *data = t->taken;
        int64_t room = t->taken_room;
        t->taken = t->data;
        t->taken_room = t->room;
        if (room > MOST_ROOM_KEPT) free(data), data = NULL, room = 0;
        t->data = data;
        t->room = room;
        t->size = t->count = 0;
    }
    pthread_mutex_unlock(&p->lock);
    return *count ? t->taken : NULL;
}

int64_t tape_dropped(Tape *t) { return t->dropped; }
