"""Where the numbers of a stream lie in the flat arrays that Python and the native pump both read and write.

`rtc/native/pump.h` has the same places. All are signed 64-bit: `array("q")`."""

from __future__ import annotations

from array import array
from typing import Final

# Of a source.
HIGHEST: Final = 0  # sequence number, extended beyond 16 bits
STAMP: Final = 1  # RTP timestamp of the newest frame
HEARD_NS: Final = 2
RECEIVED: Final = 3
OCTETS: Final = 4
TRANSIT: Final = 5  # see rtc/quality.py
JITTER_16: Final = 6
ASK_NS: Final = 7  # when a missing packet is to be asked for again
SKIPPED_TO: Final = 8  # under pressure packets before this number were left out and are not asked for

# Of a ring.
KEY_FIRST: Final = 0  # number of the last keyframe's first packet; -1: none
KEY_STAMP: Final = 1  # its RTP timestamp
KEY_NS: Final = 2  # when it came, monotonic
KEYFRAMES: Final = 3  # that came

# Of a peer.
HEARD_AT: Final = 0  # something authentic came, monotonic ns
MEDIA_AT: Final = 1
IS_LOST: Final = 2

# Of an uplink.
TOP: Final = 0  # highest transport-wide number that came, extended; -1: none
REPORTED: Final = 1  # the highest that its sender was told of
FEEDBACKS: Final = 2  # how often it was told
OFFSET: Final = 3  # from its owner's clock to ours, in ticks; UNTIED: not known yet
OWNER_HEARD_NS: Final = 4
UNTIED: Final = -(1 << 63)

# Of a downlink.
COUNTER: Final = 0  # the transport-wide number sent last
CLOCK: Final = 1  # the sink's, in ticks, freed of roll-over

# Of a leg.
PACKETS: Final = 0
PAYLOAD_OCTETS: Final = 1


def numbers(size: int, value: int = 0) -> array[int]:
    return array("q", [value]) * size


class Counted:
    """A source's numbers, for whoever only reads them."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state = numbers(9)

    @property
    def highest(self) -> int:
        return self.state[HIGHEST]

    @property
    def stamp(self) -> int:
        return self.state[STAMP]

    @property
    def heard_ns(self) -> int:
        return self.state[HEARD_NS]

    @property
    def received(self) -> int:
        return self.state[RECEIVED]

    @property
    def octets(self) -> int:
        return self.state[OCTETS]
