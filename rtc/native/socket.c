/* The pump's socket: by which calls datagrams come and go. */

#include "pump.h"

#include <errno.h>
#include <string.h>

void socket_begin(Pump *p) {
    for (int i = 0; i < IN; i++) {
        p->in_vectors[i] = (struct iovec){p->in[i], DATAGRAM};
        p->in_messages[i].msg_hdr.msg_iov = &p->in_vectors[i];
        p->in_messages[i].msg_hdr.msg_iovlen = 1;
        p->in_messages[i].msg_hdr.msg_name = &p->in_from[i];
    }
    p->in_messages[0].msg_hdr.msg_control = p->in_control;
    int yes = 1;
    setsockopt(p->fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes);
}

/* How long the first datagram of this turn lay in the socket's buffer. */
int64_t waited_ns(Pump *p) {
    struct msghdr *h = &p->in_messages[0].msg_hdr;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec came, now;
            memcpy(&came, CMSG_DATA(c), sizeof came);
            clock_gettime(CLOCK_REALTIME, &now);
            return (now.tv_sec - came.tv_sec) * 1000000000LL + now.tv_nsec - came.tv_nsec;
        }
    return 0;
}

/* Sleeps until something comes: mostly one datagram, for which recvfrom is the cheaper call. One that was there at once likely has
 * others behind it; now and then that is looked up, whatever the clock says. Answers how many, and when. */
int receive(Pump *p, int64_t *now_ns) {
    if (p->is_behind) {
        for (int i = 0; i < IN; i++) p->in_messages[i].msg_hdr.msg_namelen = sizeof p->in_from[i];
        p->in_messages[0].msg_hdr.msg_controllen = sizeof p->in_control;
        int count = recvmmsg(p->fd, p->in_messages, IN, MSG_WAITFORONE, NULL);
        *now_ns = monotonic_ns();
        p->is_behind = count > 1;
        return count;
    }
    int64_t before_ns = monotonic_ns();
    socklen_t from_bytes = sizeof p->in_from[0];
    ssize_t size = recvfrom(p->fd, p->in[0], DATAGRAM, 0, (struct sockaddr *)&p->in_from[0], &from_bytes);
    *now_ns = monotonic_ns();
    p->is_behind = *now_ns - before_ns < AT_ONCE_NS || ++p->alone % LOOK_EVERY == 0;
    p->in_messages[0].msg_len = size;
    p->in_messages[0].msg_hdr.msg_namelen = from_bytes;
    return size < 0 ? -1 : 1;
}

void send_out(Pump *p, const uint8_t *to, int to_bytes, int size) {
    memcpy(p->out_addresses[p->out_count], to, to_bytes);
    p->out_address_bytes[p->out_count] = to_bytes;
    p->out_sizes[p->out_count++] = size;
    p->counts[DATAGRAMS_SENT]++;
    p->counts[BYTES_SENT] += size;
}

static int send_one(Pump *p) { /* sendmmsg costs more for one */
    const struct sockaddr *to = (const struct sockaddr *)p->out_addresses[0];
    return sendto(p->fd, p->out[0], p->out_sizes[0], MSG_DONTWAIT, to, p->out_address_bytes[0]) < 0 ? -1 : 1;
}

void flush_out(Pump *p) {
    int at = 0;
    for (int i = 0; p->out_count > 1 && i < p->out_count; i++) {
        p->out_vectors[i] = (struct iovec){p->out[i], (size_t)p->out_sizes[i]};
        memset(&p->out_messages[i].msg_hdr, 0, sizeof(struct msghdr));
        p->out_messages[i].msg_hdr.msg_name = p->out_addresses[i];
        p->out_messages[i].msg_hdr.msg_namelen = p->out_address_bytes[i];
        p->out_messages[i].msg_hdr.msg_iov = &p->out_vectors[i];
        p->out_messages[i].msg_hdr.msg_iovlen = 1;
    }
    while (at < p->out_count) {
        int sent = p->out_count == 1 ? send_one(p) : sendmmsg(p->fd, p->out_messages + at, p->out_count - at, MSG_DONTWAIT);
        if (sent > 0) at += sent;
        else {
            p->counts[errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? SENDTO_DROPPED : SENDTO_FAILED]++;
            p->counts[DATAGRAMS_SENT]--;
            p->counts[BYTES_SENT] -= p->out_sizes[at++];
        }
    }
    p->out_count = 0;
}
