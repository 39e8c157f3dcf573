"""Writes the SDP answer: mirrors the offered m-lines, one bundle, ICE-lite, DTLS passive (RFC 8829 5.3)."""

from __future__ import annotations

from dataclasses import dataclass

from rtc.channel import MAX_TEXT_BYTES, SCTP_PORT
from rtc.ice import Credentials
from rtc.offer import Offer, Section
from rtc.sdp import MediaLine, Negotiated, serves_channel


@dataclass(frozen=True, slots=True)
class Ours:
    """What the answer says of our side; `candidates` are (IP address, port), best first."""

    session_id: int
    version: int
    credentials: Credentials
    fingerprint: str
    candidates: list[tuple[str, int]]


# Chromium begins a picture at 300 kbit/s and grows slowly; an item wants to be sharp in the first second. The congestion
# control still falls within a second on a network that cannot carry it. Other browsers ignore the parameter.
START = "x-google-start-bitrate=1000"


def write_answer(offer: Offer, agreed: Negotiated, ours: Ours) -> str:
    by_mid = {line.mid: line for line in agreed.lines if line.codecs}
    served = [s for s in offer.sections if _is_served(s, offer, by_mid, agreed)]
    out = [
        "v=0",
        f"o=- {ours.session_id} {ours.version} IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        "a=group:BUNDLE " + " ".join(section.mid for section in served),
        "a=msid-semantic: WMS *",
    ]
    for section in offer.sections:
        if section not in served:
            out += [
                f"m={section.kind} 0 {section.protocol} {' '.join(section.formats)}",
                "c=IN IP4 0.0.0.0",
                "a=inactive",
            ]
            if section.mid:
                out.append(f"a=mid:{section.mid}")
            continue
        line = by_mid.get(section.mid)
        formats = section.formats if line is None else [str(pt) for pt in _payload_types(line)]
        out += [f"m={section.kind} 9 {section.protocol} {' '.join(formats)}", "c=IN IP4 0.0.0.0"]
        if section is served[0]:
            out += _candidates(ours.candidates)
        out += [
            f"a=ice-ufrag:{ours.credentials.ufrag}",
            f"a=ice-pwd:{ours.credentials.pwd}",
            f"a=fingerprint:{ours.fingerprint}",
            "a=setup:passive",
            f"a=mid:{section.mid}",
        ]
        if line is None:
            out += [f"a=sctp-port:{SCTP_PORT}", f"a=max-message-size:{MAX_TEXT_BYTES}"]
        else:
            out += _media(section, line)
    return "\r\n".join(out) + "\r\n"


def _is_served(section: Section, offer: Offer, by_mid: dict[str, MediaLine], agreed: Negotiated) -> bool:
    if section.port == 0 or section.mid not in offer.bundle:
        return False
    if section.kind == "application":
        return agreed.has_channel and serves_channel(section)
    line = by_mid.get(section.mid)
    return line is not None and line.kind == section.kind


def _payload_types(line: MediaLine) -> list[int]:
    return [pt for codec in line.codecs.values() for pt in (codec.pt, codec.rtx_pt) if pt is not None]


def _candidates(addresses: list[tuple[str, int]]) -> list[str]:
    lines = []
    for rank, (host, port) in enumerate(addresses):
        # Host candidates (type preference 126) of component 1, in our order (RFC 8445 5.1.2.1).
        priority = (126 << 24) | ((65535 - rank) << 8) | 255
        lines.append(f"a=candidate:{rank + 1} 1 udp {priority} {host} {port} typ host")
    return [*lines, "a=end-of-candidates"]


def _media(section: Section, line: MediaLine) -> list[str]:
    direction = {
        (True, True): "sendrecv",
        (True, False): "recvonly",
        (False, True): "sendonly",
        (False, False): "inactive",
    }
    out = [f"a={direction[line.accepts, line.sends]}", "a=rtcp-mux"]
    if "rtcp-rsize" in section.values:
        out.append("a=rtcp-rsize")
    out += [f"a=extmap:{number} {uri}" for uri, number in line.extensions.items()]
    for codec in line.codecs.values():
        channels = "/2" if codec.name == "opus" else ""
        out.append(f"a=rtpmap:{codec.pt} {codec.name}/{codec.clock_hz}{channels}")
        fmtp = ";".join(part for part in (codec.fmtp, START if line.kind == "video" else "") if part)
        if fmtp:
            out.append(f"a=fmtp:{codec.pt} {fmtp}")
        out += [f"a=rtcp-fb:{codec.pt} {feedback}" for feedback in sorted(codec.feedback)]
        if codec.rtx_pt is not None:
            out += [f"a=rtpmap:{codec.rtx_pt} rtx/90000", f"a=fmtp:{codec.rtx_pt} apt={codec.pt}"]
    if line.sends:
        # Sound and picture in two streams: a browser delays the picture of one stream until its sound, which costs up to
        # 400 ms right after a leg changed its source (the sender reports of two people meet). Both play as they come.
        out.append(f"a=msid:loupe-{line.kind}-{line.slot} {line.kind}-{line.slot}")
        has_rtx = any(codec.rtx_pt is not None for codec in line.codecs.values())
        if has_rtx:
            out.append(f"a=ssrc-group:FID {line.ssrc} {line.rtx_ssrc}")
        out.append(f"a=ssrc:{line.ssrc} cname:{line.cname}")
        if has_rtx:
            out.append(f"a=ssrc:{line.rtx_ssrc} cname:{line.cname}")
    return out
