"""Whether datagrams come faster than they can be handled, and what is then left out: pictures, so that voices go on."""

from __future__ import annotations

MS = 1_000_000
SHED_AFTER_NS = 40 * MS  # the reader never caught up for so long ...
SHED_AFTER_TURNS = 16  # ... in so many turns: neither a burst of keyframes nor a process that stood still for a moment
SHED_FOR_NS = 500 * MS  # after it last lagged: long enough for senders to hear of the loss and send less
BUSY_FOR_NS = 5_000 * MS  # after that no new calls: those that are here have just begun to recover
LARGEST_VOICE = 400  # bytes of a datagram; Opus at its highest bit rate needs 20 ms for fewer


class Pressure:
    """The reader tells how each of its turns ended: `lagged` (more was there than it may take at once) or `caught_up`.
    While `is_shedding`, it leaves out RTP over `LARGEST_VOICE` bytes: loss that makes the senders' congestion control
    send less. `is_high` until `BUSY_FOR_NS` after the last of it."""

    __slots__ = ("_lagging_since_ns", "_shed_at_ns", "_turns", "is_shedding")

    def __init__(self) -> None:
        self.is_shedding = False
        self._lagging_since_ns = 0  # 0: it does not lag
        self._shed_at_ns = 0  # 0: never
        self._turns = 0

    @property
    def is_lagging(self) -> bool:
        return self._lagging_since_ns > 0

    def lagged(self, now_ns: int) -> None:
        self._turns += 1
        if not self._lagging_since_ns:
            self._lagging_since_ns = now_ns
        lasts = self._turns >= SHED_AFTER_TURNS and now_ns - self._lagging_since_ns >= SHED_AFTER_NS
        if lasts or self.is_shedding:
            self.is_shedding = True
            self._shed_at_ns = now_ns

    def caught_up(self, now_ns: int) -> None:
        self._lagging_since_ns = self._turns = 0
        if self.is_shedding and now_ns - self._shed_at_ns >= SHED_FOR_NS:
            self.is_shedding = False

    def is_high(self, now_ns: int) -> bool:
        return self._shed_at_ns > 0 and now_ns - self._shed_at_ns < BUSY_FOR_NS
