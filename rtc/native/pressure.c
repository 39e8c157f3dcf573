/* When pictures are left out and how they come back (rtc/pressure.py and docs/decisions/0017 say why). */

#include "pump.h"

enum { RETURN_STEP_NS = 200000000 }; /* for a keyframe to be asked for, to come, and to show what it costs */
enum { CALM_NS = 5000000 };          /* in the socket's buffer; while pictures are left out longer means too little time ... */
enum { CALM_FOR_NS = 1000000000 };  /* who has had time for so long need not wait for longer */
enum { HURT_NS = 30000000 };         /* ... and while they come back: keyframes come in bursts */

static int ends(Pump *p, int64_t now_ns) {
    const int64_t *m = p->pressure;
    int64_t since_ns = now_ns - m[SHED_AT];
    return since_ns >= m[SHED_FOR] || (since_ns >= CALM_FOR_NS && now_ns - p->strained_ns >= CALM_FOR_NS);
}

void press(Pump *p, int count, int64_t up_waits_ns, int is_overrun, int64_t now_ns) {
    int64_t *m = p->pressure;
    int is_full = count == IN;
    if (is_full) {
        m[LAG_TURNS]++;
        if (!m[LAGGING_SINCE]) m[LAGGING_SINCE] = now_ns;
        if (now_ns - m[LAGGING_SINCE] >= p->shed_after_ns)
            is_overrun |= m[LAG_TURNS] >= p->shed_after_turns || waited_ns(p) >= p->old_ns;
    } else m[LAGGING_SINCE] = m[LAG_TURNS] = 0;
    if (p->open < ALL_OPEN && (up_waits_ns >= p->late_ns || (count > 1 && waited_ns(p) >= (m[IS_SHEDDING] ? CALM_NS : HURT_NS))))
        p->strained_ns = now_ns;
    if (is_overrun) {
        if (!m[IS_SHEDDING]) {
            int64_t longer = 2 * m[SHED_FOR] < p->shed_for_most_ns ? 2 * m[SHED_FOR] : p->shed_for_most_ns;
            m[SHED_FOR] = m[SHED_AT] && now_ns - m[SHED_AT] < m[SHED_FOR] + p->relapse_ns ? longer : p->shed_for_ns;
        }
        m[IS_SHEDDING] = 1;
        m[SHED_AT] = now_ns;
    } else if (m[IS_SHEDDING] && !is_full && ends(p, now_ns)) m[IS_SHEDDING] = 0;
}

/* Without a step back that does no harm no more streams come: each needs a keyframe, and Python for its beginning. */
static int now_open(const Pump *p, int64_t now_ns) {
    if (p->pressure[IS_SHEDDING]) return 0;
    if (!p->open) return FEWEST_OPEN;
    int is_due = now_ns - p->opened_ns >= RETURN_STEP_NS && now_ns - p->strained_ns >= RETURN_STEP_NS;
    return is_due && p->open < ALL_OPEN ? 2 * p->open : p->open;
}

void keep_sieved(Pump *p, int64_t now_ns) {
    int open = now_open(p, now_ns), is_less = open < p->open;
    if (open == p->open) return;
    p->open = open;
    p->opened_ns = now_ns;
    if (sieve(p->fd, (int)p->largest_voice, open) && is_less)
        for (int i = 0; i < (int)(sizeof p->table / sizeof *p->table); i++)
            for (Pipe *q = p->table[i]; q; q = q->next) q->left_out |= q->is_video;
}
