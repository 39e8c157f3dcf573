"""What an offer and its answer agreed on: the lines that carry packets, codecs, extensions, SSRCs (RFC 8829)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Literal, cast

from domain.errors import Invalid
from rtc.offer import Offer, Section

Kind = Literal["audio", "video"]
SLOTS = 3  # receiving places of every peer
OPUS_FMTP = "minptime=10;useinbandfec=1;usedtx=1"
# Every WebRTC browser has VP8 (RFC 7742), so that what a phone sends first any tablet can show.
_VIDEO_CODECS = ("VP8", "H264")
_FEEDBACK = {
    "audio": frozenset({"nack", "transport-cc"}),
    "video": frozenset({"nack", "nack pli", "ccm fir", "transport-cc", "goog-remb"}),
}
EXTENSIONS = frozenset(
    {
        "urn:ietf:params:rtp-hdrext:sdes:mid",
        "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "urn:3gpp:video-orientation",
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    }
)


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

    `source_ssrcs` are the browser's (primary first, may be empty), `ssrc` and `rtx_ssrc` ours, for the peer's life.
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

    def take_up(self, newer: Negotiated) -> None:
        """Applies a later offer of the same connection in place: our SSRCs, the lines' identity and the channel stay."""
        known = {line.mid: line for line in self.lines}
        for line in newer.lines:
            old = known.get(line.mid)
            if old is None or (old.kind, old.slot) != (line.kind, line.slot):
                self.lines.append(line)
                continue
            old.accepts, old.sends, old.codecs, old.extensions = line.accepts, line.sends, line.codecs, line.extensions
            old.source_ssrcs, old.source_rtx_ssrcs = line.source_ssrcs, line.source_rtx_ssrcs
        kept = {line.mid for line in newer.lines}
        for line in self.lines:
            if line.mid not in kept:
                line.accepts = line.sends = False
                line.codecs = {}


def negotiate(offer: Offer) -> Negotiated:
    """Decides what of the offer is served. Raises Invalid when no audio and no video is left."""
    agreed = Negotiated()
    slots = {"audio": 0, "video": 0}
    cnames = [secrets.token_hex(8) for _ in range(SLOTS)]
    taken: set[int] = {number for section in offer.sections for number in section.ssrcs}
    for section in offer.sections:
        if section.port == 0 or section.mid not in offer.bundle:
            continue
        if section.kind == "application":
            agreed.has_channel = agreed.has_channel or serves_channel(section)
        if section.kind not in slots or "rtcp-mux" not in section.values or "SAVP" not in section.protocol:
            continue
        codecs = _codecs(section)
        slot = slots[section.kind]
        if not codecs or slot >= SLOTS:
            continue
        slots[section.kind] += 1
        rtx = [repeat for _, repeat in section.pairs]
        agreed.lines.append(
            MediaLine(
                mid=section.mid,
                kind=cast(Kind, section.kind),
                slot=slot,
                accepts=slot == 0 and section.direction in ("sendrecv", "sendonly"),
                sends=section.direction in ("sendrecv", "recvonly"),
                codecs=codecs,
                extensions={uri: number for uri, number in section.extensions.items() if uri in EXTENSIONS},
                source_ssrcs=[number for number in section.ssrcs if number not in rtx],
                source_rtx_ssrcs=rtx,
                ssrc=_fresh_ssrc(taken),
                rtx_ssrc=_fresh_ssrc(taken),
                cname=cnames[slot],
            )
        )
    if not agreed.lines:
        raise Invalid("This SDP offer has neither audio (opus) nor video (VP8, H264 baseline) to carry.")
    return agreed


def serves_channel(section: Section) -> bool:
    return section.protocol == "UDP/DTLS/SCTP" and section.formats == ["webrtc-datachannel"]


def _codecs(section: Section) -> dict[str, Codec]:
    offered: dict[str, tuple[int, int, int]] = {}  # name -> (rank, pt, clock)
    for text in section.formats:
        pt = int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else -1
        name, clock, channels = [*section.rtpmap.get(pt, "").split("/"), "", "", ""][:3]
        rank = _rank(section, pt, name.lower(), clock, channels)
        if rank is not None:
            label = "opus" if name.lower() == "opus" else name.upper()
            if label not in offered or rank < offered[label][0]:
                offered[label] = (rank, pt, int(clock))
    repeats = {
        int(apt): pt
        for pt, rtpmap in section.rtpmap.items()
        if rtpmap.lower() == "rtx/90000" and str(pt) in section.formats and (apt := _apt(section.fmtp.get(pt, "")))
    }
    codecs: dict[str, Codec] = {}
    for label in ("opus",) if section.kind == "audio" else _VIDEO_CODECS:
        if label in offered:
            _, pt, clock_hz = offered[label]
            asked = {*section.feedback.get(str(pt), ()), *section.feedback.get("*", ())}
            fmtp = OPUS_FMTP if label == "opus" else section.fmtp.get(pt, "")
            codecs[label] = Codec(label, pt, repeats.get(pt), clock_hz, fmtp, _FEEDBACK[section.kind] & asked)
    return codecs


def _rank(section: Section, pt: int, name: str, clock: str, channels: str) -> int | None:
    """Lower is better; None: not served."""
    if section.kind == "audio":
        return 0 if (name, clock, channels) == ("opus", "48000", "2") else None
    if clock != "90000":
        return None
    if name == "vp8":
        return 0
    if name != "h264":
        return None
    settings = dict(part.strip().lower().partition("=")[::2] for part in section.fmtp.get(pt, "").split(";"))
    profile = settings.get("profile-level-id", "")
    if settings.get("packetization-mode") != "1" or not profile.startswith("42") or len(profile) != 6:
        return None
    return {"42e0": 0, "4200": 1}.get(profile[:4], 2)


def _apt(fmtp: str) -> str:
    for part in fmtp.split(";"):
        name, _, value = part.strip().partition("=")
        if name == "apt" and value.isascii() and value.isdigit() and len(value) <= 3:
            return value
    return ""


def _fresh_ssrc(taken: set[int]) -> int:
    while (number := secrets.randbits(32)) in taken or number == 0:
        pass
    taken.add(number)
    return number
