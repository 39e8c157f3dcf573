"""What a viewer gets to see of the packets that arrive: whole frames in their order, freezes, and what is missing."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

_WRAP = 1 << 16
_STAMP_WRAP = 1 << 32
# libwebrtc's freeze: an interval above the larger of 3 times the usual one and the usual one plus 150 ms, at 25 a second.
FREEZE_NS = 190_000_000
ASK_AGAIN_NS = 60_000_000
GIVE_UP_NS = 1_000_000_000  # senders keep packets for a second at least
KEYFRAME_AFTER_NS = 300_000_000  # a picture that stands so long will not be mended by single packets
MOST_FRAMES = 256
MOST_MISSING = 512
_RECENT_SOUNDS = 2000  # 40 s


@dataclass(slots=True)
class _Frame:
    first: int = -1
    last: int = -1
    is_key: bool = False
    seen: set[int] = field(default_factory=set)

    @property
    def is_whole(self) -> bool:
        return self.first >= 0 and self.last >= 0 and len(self.seen) == (self.last - self.first) % _WRAP + 1


class Watch:
    """One VP8 stream (RFC 7741). `shown`: (RTP timestamp, nanosecond of arrival of what was last missing) of frames that
    a decoder could show: whole, and following on the one before or a keyframe. `packets` counts each packet once."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, int]] = []
        self.packets = self.lost = self.healed = self.freezes = 0
        self.frozen_ns = 0
        self.shown_frames = 0
        self._frames: dict[int, _Frame] = {}
        self._missing: dict[int, tuple[int, int]] = {}  # sequence -> (missed at, asked at), in ns
        self._highest = -1
        self._next = -1  # the sequence number with which the next frame must begin
        self._shown_ns = 0

    def packet(self, sequence: int, stamp: int, payload: memoryview, *, marker: bool, now_ns: int) -> bool:
        """True when a frame can be shown by it."""
        if not self._count(sequence, now_ns):
            return False
        frame = self._frames.get(stamp)
        if frame is None:
            if len(self._frames) >= MOST_FRAMES:
                del self._frames[next(iter(self._frames))]
            frame = self._frames[stamp] = _Frame()
        frame.seen.add(sequence)
        if payload and payload[0] & 0x10 and not payload[0] & 0x07:  # start of partition 0
            frame.first = sequence
            frame.is_key = _is_key(payload)
        if marker:
            frame.last = sequence
        return frame.is_whole and self._show(now_ns)

    def _count(self, sequence: int, now_ns: int) -> bool:
        """False for a packet that came before."""
        if self._highest < 0:
            self._highest = sequence
        else:
            ahead = (sequence - self._highest) % _WRAP
            if 0 < ahead < _WRAP // 2:
                for lacking in range(1, min(ahead, MOST_MISSING)):
                    self._missing[(sequence - lacking) % _WRAP] = (now_ns, 0)
                self._highest = sequence
            elif self._missing.pop(sequence, None) is None:
                return False
            else:
                self.healed += 1
        self.packets += 1
        return True

    def _show(self, now_ns: int) -> bool:
        """All frames that can be shown now; False when there is none."""
        before = self.shown_frames
        while True:
            ready = [
                (stamp, frame)
                for stamp, frame in self._frames.items()
                if frame.is_whole and (frame.is_key or frame.first == self._next)
            ]
            if not ready:
                return self.shown_frames > before
            stamp, frame = next(((s, f) for s, f in ready if f.first == self._next), ready[-1])
            for older in list(self._frames):  # by time, not by arrival: a healed frame comes behind its followers
                if (stamp - older) % _STAMP_WRAP < _STAMP_WRAP // 2:
                    del self._frames[older]
            self._next = (frame.last + 1) % _WRAP
            if self._shown_ns and now_ns - self._shown_ns > FREEZE_NS:
                self.freezes += 1
                self.frozen_ns += now_ns - self._shown_ns
            self._shown_ns = now_ns
            self.shown_frames += 1
            self.shown.append((stamp, now_ns))

    def pause(self) -> None:
        """What follows is another sender's or another connection's: the time until then is no freeze."""
        self._shown_ns = 0

    def to_ask_for(self, now_ns: int) -> list[int]:
        """Sequence numbers to put into a NACK now; what is given up counts as lost."""
        wanted = []
        for sequence, (missed_ns, asked_ns) in list(self._missing.items()):
            if now_ns - missed_ns > GIVE_UP_NS:
                del self._missing[sequence]
                self.lost += 1
            elif now_ns - asked_ns > ASK_AGAIN_NS:
                self._missing[sequence] = (missed_ns, now_ns)
                wanted.append(sequence)
        return wanted

    def needs_keyframe(self, now_ns: int) -> bool:
        return bool(self._frames) and bool(self._shown_ns) and now_ns - self._shown_ns > KEYFRAME_AFTER_NS


class SoundCount:
    """How many sound packets came, and how many were sent by their numbers; how long the last of them took."""

    def __init__(self) -> None:
        self.received = self.expected = 0
        self._ssrc = 0
        self._highest = 0
        self._shift: int | None = None  # what the server adds to sequence numbers, and where the sender began
        self._log: deque[tuple[int, int]] = deque(maxlen=_RECENT_SOUNDS)

    def packet(self, ssrc: int, sequence: int, now_ns: int) -> None:
        self.received += 1
        self._log.append((sequence, now_ns))
        ahead = 1 if ssrc != self._ssrc else (sequence - self._highest) % _WRAP
        if ahead < _WRAP // 2:
            self._ssrc, self._highest = ssrc, sequence
            self.expected += ahead

    def delays_ms(self, sent_ns: Sequence[int], newest: int) -> list[float]:
        """Of the `newest` that came, by when each of the stream was sent. Empty until most of them once took less than
        the time between two: then it is plain which one was which."""
        came = list(self._log)[-newest:] if newest else []
        if self._shift is None:
            places = [(sequence - bisect_right(sent_ns, now_ns) + 1) & 0xFFFF for sequence, now_ns in came]
            shift, count = Counter(places).most_common(1)[0] if places else (0, 0)
            if count < 0.9 * len(places) or not places:
                return []
            self._shift = shift
        last = len(sent_ns) - 1
        numbers = (last - ((last - sequence + self._shift) & 0xFFFF) for sequence, _ in came)
        return [
            (now_ns - sent_ns[number]) / 1e6 for number, (_, now_ns) in zip(numbers, came, strict=True) if number >= 0
        ]


def _is_key(payload: memoryview) -> bool:
    """RFC 7741 4.2: behind the descriptor, and the extensions that its first byte announces, the VP8 header's first bit
    is 0 in keyframes."""
    at = 1
    if payload[0] & 0x80 and len(payload) > 1:
        extensions = payload[1]
        at = 2
        if extensions & 0x80 and len(payload) > at:
            at += 2 if payload[at] & 0x80 else 1
        at += bool(extensions & 0x40) + bool(extensions & 0x30)
    return len(payload) > at and not payload[at] & 1
