"""What an offer and its answer agreed on: the lines that carry packets, their codecs, extensions and SSRCs (RFC 8829)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["audio", "video"]


@dataclass(slots=True)
class Codec:
    """One codec as this peer numbers it. `feedback`: 'nack', 'nack pli', 'ccm fir', 'transport-cc', 'goog-remb'."""

    name: str
    pt: int
    rtx_pt: int | None
    clock_hz: int
    fmtp: str
    feedback: frozenset[str]


@dataclass(slots=True)
class MediaLine:
    """One m-line. `accepts`: the browser sends to us on it; `sends`: we may send on it.

    `source_ssrcs` are the browser's (primary first, may be empty), `ssrc` and `rtx_ssrc` ours, stable for the peer's life.
    """

    mid: str
    kind: Kind
    slot: int
    accepts: bool
    sends: bool
    codecs: dict[str, Codec]
    extensions: dict[str, int]
    source_ssrcs: list[int]
    source_rtx_ssrcs: list[int]
    ssrc: int
    rtx_ssrc: int
    cname: str


@dataclass(slots=True)
class Negotiated:
    lines: list[MediaLine] = field(default_factory=list)
    has_channel: bool = False

    def line(self, kind: Kind, slot: int) -> MediaLine | None:
        for line in self.lines:
            if line.kind == kind and line.slot == slot:
                return line
        return None
