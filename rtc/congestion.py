"""Transport-wide congestion control end to end: the sink's arrival times, told to the source in the source's numbers.

An `Uplink` is the way from a source peer to us, a `Downlink` the way from us to a sink peer. Each source has exactly
one who tells it how its packets fared: the sink that shows it first (its owner), or this server while no sink does.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Callable, Iterator
from struct import Struct
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakValueDictionary

from rtc.state import CLOCK, COUNTER, FEEDBACKS, OFFSET, OWNER_HEARD_NS, REPORTED, TOP, UNTIED
from rtc.state import numbers as flat
from rtc.twcc import REFERENCE_TICKS, TICK_NS, WRAP_TICKS, Feedback, build_feedback, first_delta, framed

if TYPE_CHECKING:
    from rtc.native.feedback import Return
    from rtc.party import Party

RING = 4096
MASK = RING - 1
OWNER_SILENT_NS = 2_000_000_000  # a congested sink may be late with feedback; one that is silent for longer is gone
CLOCK_JUMP_TICKS = 20_000  # 5 s
LONGEST_RUN = 2000
_HEAD, _ABOUT = Struct("!IIHHI"), Struct("!HHI")


class Uplink:
    """What came from one source peer, by its own transport-wide sequence number (extended beyond 16 bits).

    `state` has the places of rtc/state.py; `numbers` and `times_ns` are rings of what came last. `way_back` is the pump's way
    of the owner's feedback to the source."""

    __slots__ = ("__weakref__", "id", "numbers", "owner", "party", "state", "times_ns", "way_back")
    by_id: ClassVar[WeakValueDictionary[int, Uplink]] = WeakValueDictionary()
    _ids: ClassVar[Iterator[int]] = itertools.count(1)

    def __init__(self, party: Party) -> None:
        self.party = party
        self.id = next(self._ids)
        self.by_id[self.id] = self
        self.state = flat(5)
        self.state[TOP] = self.state[REPORTED] = -1
        self.state[OFFSET] = UNTIED
        self.owner: Downlink | None = None
        self.way_back: Return | None = party.pump.way_back(self) if party.pump is not None else None
        self.numbers = flat(RING, -1)
        self.times_ns = flat(RING)

    @property
    def top(self) -> int:
        return self.state[TOP]

    @property
    def reported(self) -> int:
        return self.state[REPORTED]

    def arrived(self, sequence: int, now_ns: int) -> int:
        """Notes an arrival and answers the extended number."""
        state = self.state
        top = state[TOP]
        step = (sequence - top) & 0xFFFF
        if step < 0x8000 and top >= 0:
            number = state[TOP] = top + step
        elif top < 0:
            number = state[TOP] = 0x10000 + sequence
            state[REPORTED] = number - 1
        else:
            number = top + step - 0x10000
        at = number & MASK
        self.numbers[at] = number
        self.times_ns[at] = now_ns
        return number

    def give_to(self, owner: Downlink | None) -> None:
        if owner is not self.owner:
            self.halt()
            self.owner = owner
            self.state[OWNER_HEARD_NS] = 0
            self.state[OFFSET] = UNTIED

    def halt(self) -> None:
        """Something changes that the way back depends on: the owner's feedback comes up again."""
        if self.way_back is not None:
            self.way_back.stop()

    def retire(self) -> None:
        """No packet comes any more. Peers refer to each other, and the collector of cycles comes late to a quiet
        process: what is large goes now."""
        self.halt()
        self.way_back = None
        self.by_id.pop(self.id, None)
        self.numbers = self.times_ns = flat(0)

    def reports_itself(self, now_ns: int) -> bool:
        """Whether this server must tell the source: no owner, or one that has not (for long not) sent feedback."""
        return self.owner is None or now_ns - self.state[OWNER_HEARD_NS] > OWNER_SILENT_NS

    def own_feedback(self, sender: int, media: int) -> list[bytes]:
        """Feedback from our own arrivals since the last report."""
        first = max(self.reported + 1, self.top - LONGEST_RUN)
        numbers, arrivals = self.numbers, self.times_ns
        times = [arrivals[n & MASK] // TICK_NS if numbers[n & MASK] == n else None for n in range(first, self.top + 1)]
        return self._build(sender, media, first, times)

    def translated(self, sender: int, media: int, numbers: list[int], arrivals: list[int | None]) -> list[bytes]:
        """Feedback from the owner's arrivals: `numbers` are ours of this source, `arrivals` in ticks of the owner's
        clock, None for what did not arrive.

        What came to us and was not for the sink to acknowledge (a repeated packet, a codec it has not) counts as
        arrived with its neighbour: only what the network lost may look lost to the sender.
        """
        first = self.reported + 1
        offset = self._tied(numbers, arrivals)
        if offset is None:
            return []
        if (
            numbers[0] == first
            and numbers[-1] - first == len(numbers) - 1
            and numbers == list(range(first, first + len(numbers)))
        ):
            times = [None if heard is None else max(heard + offset, 0) for heard in arrivals]
            return self._build(sender, media, first, times)
        known = dict(zip(numbers, arrivals, strict=True))
        last = max(known)
        if last < first:
            return []
        first = max(first, last - LONGEST_RUN)
        return self._build(sender, media, first, self._filled(known, first, last, offset))

    def _filled(self, known: dict[int, int | None], first: int, last: int, offset: int) -> list[int | None]:
        times: list[int | None] = []
        latest = next((t + offset for n, t in sorted(known.items()) if n >= first and t is not None), None)
        for n in range(first, last + 1):
            if n in known:
                heard = known[n]
                time = None if heard is None else max(heard + offset, 0)
                latest = time if time is not None else latest
            else:
                time = latest if self.numbers[n & MASK] == n else None
            times.append(time)
        return times

    def _tied(self, numbers: list[int], arrivals: list[int | None]) -> int | None:
        """The owner's clock against ours. It is tied once, such that the packet with the quickest way to the owner took
        no time: to the sender a new owner must not look like a queue that grew, or it halves its bitrate."""
        offset = self.state[OFFSET]
        own, times_ns = self.numbers, self.times_ns
        if offset != UNTIED:
            n, t = numbers[-1], arrivals[-1]
            if t is None or own[n & MASK] != n or abs(times_ns[n & MASK] // TICK_NS - t - offset) <= CLOCK_JUMP_TICKS:
                return offset
        ahead = [
            times_ns[n & MASK] // TICK_NS - t
            for n, t in zip(numbers, arrivals, strict=True)
            if t is not None and own[n & MASK] == n
        ]
        if ahead and (offset == UNTIED or abs(max(ahead) - offset) > CLOCK_JUMP_TICKS):
            offset = self.state[OFFSET] = max(ahead)
        return offset if offset != UNTIED else None

    def passed_on(self, data: bytes, count: int, clock: int) -> bytes | None:
        """The owner's feedback about our next `count` packets, without its padding, `clock` its reference time in
        ticks: with another head and another first delta, the rest as it was. None: it must be translated."""
        first = self.reported + 1
        state = self.state
        offset = state[OFFSET]
        if offset == UNTIED or abs(self.times_ns[first & MASK] // TICK_NS - clock - offset) > CLOCK_JUMP_TICKS:
            return None
        where = first_delta(data, count)
        if where is None:
            return None
        at, size = where
        heard = clock + offset + int.from_bytes(data[at : at + size], "big", signed=size == 2)
        if heard < 0:
            return None
        packet = bytearray(data)
        reference = heard // REFERENCE_TICKS & 0xFFFFFF
        _HEAD.pack_into(packet, 4, *self.party.speaker, first & 0xFFFF, count, reference << 8 | state[FEEDBACKS] & 0xFF)
        packet[at : at + size] = (heard % REFERENCE_TICKS).to_bytes(size, "big")
        state[FEEDBACKS] += 1
        state[REPORTED] += count
        return framed(packet[4:])

    def _build(self, sender: int, media: int, first: int, times: list[int | None]) -> list[bytes]:
        packets = build_feedback(sender, media, self.state[FEEDBACKS] & 0xFF, first & 0xFFFF, times)
        if packets:
            self.state[FEEDBACKS] += len(packets)
            self.state[REPORTED] = first + len(times) - 1
        return packets


class Downlink:
    """The transport-wide counter of one sink peer (`state`, see rtc/state.py), and for each number sent whose packet it was.
    `uplinks` (ids, 0: nobody's) and `numbers` are written in place by the legs (`numbers` -1: our own
    retransmission)."""

    __slots__ = ("numbers", "party", "state", "uplinks")

    def __init__(self, party: Party) -> None:
        self.party = party
        self.state = flat(2)
        self.uplinks = flat(RING)
        self.numbers = flat(RING, -1)

    def retire(self) -> None:
        """Nothing is sent to this sink any more."""
        self.uplinks = self.numbers = flat(0)

    def pass_on(self, data: bytes, now_ns: int) -> bool:
        """Nearly all feedback of one sink is about one source's packets, each of them once and in order: it only needs
        another head. False: read it."""
        if len(data) < 22:
            return False
        base, count, word = _ABOUT.unpack_from(data, 12)
        start = base & MASK
        behind = (self.state[COUNTER] - base) & 0xFFFF
        uplink = Uplink.by_id.get(self.uplinks[start])
        if behind >= RING or uplink is None or uplink.owner is not self:
            return False
        if not 0 < count <= min(behind + 1, RING - start):
            return False
        first, end = uplink.reported + 1, start + count
        if self.numbers[start:end] != array("q", range(first, first + count)):
            return False
        if self.uplinks[start:end].count(uplink.id) != count:
            return False
        before = self.state[CLOCK]
        ahead = ((word >> 8) * REFERENCE_TICKS - before) % WRAP_TICKS
        clock = before + (ahead if ahead < WRAP_TICKS // 2 else ahead - WRAP_TICKS)
        packet = uplink.passed_on(data, count, clock)
        if packet is None:
            return False
        self.state[CLOCK] = clock
        uplink.state[OWNER_HEARD_NS] = now_ns
        uplink.party.tell_uplink([packet])
        if uplink.way_back is not None:
            uplink.way_back.handled()
        return True

    def heard(
        self, feedback: Feedback, now_ns: int, tell: Callable[[Uplink, list[int], list[int | None]], None]
    ) -> None:
        """Sorts a sink's feedback by source, its clock freed of roll-over, and tells each source that this sink owns."""
        found: dict[Uplink, tuple[list[int], list[int | None]]] = {}
        uplinks, numbers, clock = self.uplinks, self.numbers, self.state[CLOCK]
        sequence = feedback.base
        behind = (self.state[COUNTER] - sequence) & 0xFFFF
        current, uplink = 0, None
        add_number = add_time = None
        for time in feedback.times:
            if time is not None:
                ahead = (time - clock) % WRAP_TICKS
                clock += ahead if ahead < WRAP_TICKS // 2 else ahead - WRAP_TICKS
            if behind < RING:
                at = sequence & MASK
                number = numbers[at]
                if uplinks[at] != current:
                    current = uplinks[at]
                    uplink = Uplink.by_id.get(current)
                    if uplink is not None and uplink.owner is self:
                        listed = found.setdefault(uplink, ([], []))
                        add_number, add_time = listed[0].append, listed[1].append
                    else:
                        add_number = None
                if number >= 0 and add_number is not None and add_time is not None:
                    add_number(number)
                    add_time(None if time is None else clock)
            sequence = (sequence + 1) & 0xFFFF
            behind = (behind - 1) & 0xFFFF
        self.state[CLOCK] = clock
        for uplink, (ours, arrivals) in found.items():
            uplink.state[OWNER_HEARD_NS] = now_ns
            if ours:  # not only what we sent again
                tell(uplink, ours, arrivals)
