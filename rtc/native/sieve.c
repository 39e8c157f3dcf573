/* What the kernel drops of a socket's datagrams while pictures are left out: RTP that is longer than a voice, of streams that
 * are not `is_open` (classic BPF, socket(7); it takes no right). It then takes no place in the buffer, and no time of the
 * pump's thread. */

#include "pump.h"

#include <linux/filter.h>

enum { PEEPHOLE = 64 }; /* of so many one comes through, so that the pump sees which streams go on; a power of two */

int sieve(int fd, int largest_voice, int open) {
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), /* with UDP's header of 8 bytes */
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)largest_voice + 8, 0, 13),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xC0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x80, 0, 10),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 192, 0, 1),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 223, 0, 7), /* 192 to 223: RTCP (RFC 5761) */
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16), /* the SSRC, as in is_open */
        BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, OPEN_FACTOR),
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, OPEN_SHIFT),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)open, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM)),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PEEPHOLE - 1, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog program = {sizeof steps / sizeof *steps, steps};
    if (open < ALL_OPEN) return !setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &open, sizeof open);
    return 0;
}
