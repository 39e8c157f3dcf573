"""The few shapes that one source's headers have: a header is walked the first time its shape is seen, then compared."""

from __future__ import annotations

from rtc import rtp
from rtc.rtp import Layout

PLAIN = Layout(12, 12, None, {})
MOST_SHAPES = 32  # browsers use about six; a sender that invents more only loses the speed


class Shapes:
    """`latest` maps the first four bytes of the extension block to the shape seen last: the hot path looks there itself
    and calls `read` when the comparison fails."""

    __slots__ = ("_sequence_id", "count", "known", "latest")

    def __init__(self, sequence_id: int) -> None:
        self._sequence_id = sequence_id
        self.count = 0  # that were ever added
        self.known: list[Layout] = []
        self.latest: dict[bytes, Layout] = {}

    def read(self, packet: bytes) -> Layout | None:
        """The layout of any packet; None: malformed."""
        kind = packet[0] & 0x1F
        if kind == 0:
            return PLAIN
        if kind == 0x10:
            lead = packet[12:16]
            for shape in self.known:
                if shape.lead == lead and len(packet) >= shape.header_bytes and shape.fits(packet):
                    self.latest[lead] = shape
                    return shape
        layout = rtp.read_layout(packet)
        if layout is None:
            return None
        at, length = layout.elements.get(self._sequence_id, (0, 0))
        layout.sequence_at = at if length >= 2 else 0
        if kind == 0x10 and layout.mask:
            if len(self.known) >= MOST_SHAPES:
                self.known.clear()
                self.latest.clear()
            self.known.append(layout)
            self.count += 1
            self.latest[layout.lead] = layout
        return layout
