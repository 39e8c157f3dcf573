"""Whether datagrams come faster than they can be handled, and what is then left out: pictures, so that voices go on."""

from __future__ import annotations

from typing import Final

from rtc.state import numbers

MS = 1_000_000
SHED_AFTER_NS = 40 * MS  # the reader never caught up for so long ...
SHED_AFTER_TURNS = 16  # ... in so many turns: neither a burst of keyframes nor a process that stood still for a moment
SHED_FOR_NS = 500 * MS  # after it last lagged: long enough for senders to hear of the loss and send less
SHED_FOR_MOST_NS = 4_000 * MS  # each relapse doubles it: pictures that all come back at once are the heaviest load
BUSY_FOR_NS = 5_000 * MS  # after pictures came back no new calls, and leaving them out again is a relapse
LARGEST_VOICE = 400  # bytes of a datagram; Opus at its highest bit rate needs 20 ms for fewer
# Places in `Pressure.state`; 0 is "no" for each.
LAGGING_SINCE: Final = 0
SHED_AT: Final = 1
TURNS: Final = 2
IS_SHEDDING: Final = 3
SHED_FOR: Final = 4


class Pressure:
    """The reader tells how each of its turns ended: `lagged` (more was there than it may take at once) or `caught_up`.
    While `is_shedding`, it leaves out RTP over `LARGEST_VOICE` bytes: loss that makes the senders' congestion control
    send less. `is_high` until `BUSY_FOR_NS` after the last of it. The native pump looks up whose packets are a picture's instead of
    at their size, and lags as well when Python is late with what it hands up."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state = numbers(5)  # also the native pump's, which does the same

    @property
    def is_shedding(self) -> bool:
        return bool(self.state[IS_SHEDDING])

    @property
    def is_lagging(self) -> bool:
        return self.state[LAGGING_SINCE] > 0

    def lagged(self, now_ns: int) -> None:
        state = self.state
        state[TURNS] += 1
        if not state[LAGGING_SINCE]:
            state[LAGGING_SINCE] = now_ns
        # While pictures are left out, too: bursts come then as ever (what is missing is asked for), and must not prolong it.
        if state[TURNS] >= SHED_AFTER_TURNS and now_ns - state[LAGGING_SINCE] >= SHED_AFTER_NS:
            if not state[IS_SHEDDING]:
                is_relapse = state[SHED_AT] > 0 and now_ns - state[SHED_AT] < state[SHED_FOR] + BUSY_FOR_NS
                state[SHED_FOR] = min(2 * state[SHED_FOR], SHED_FOR_MOST_NS) if is_relapse else SHED_FOR_NS
            state[IS_SHEDDING] = 1
            state[SHED_AT] = now_ns

    def caught_up(self, now_ns: int) -> None:
        state = self.state
        state[LAGGING_SINCE] = state[TURNS] = 0
        if state[IS_SHEDDING] and now_ns - state[SHED_AT] >= state[SHED_FOR]:
            state[IS_SHEDDING] = 0

    def is_high(self, now_ns: int) -> bool:
        state = self.state
        return state[SHED_AT] > 0 and now_ns - state[SHED_AT] < state[SHED_FOR] + BUSY_FOR_NS
