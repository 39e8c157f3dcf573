"""Reads a browser's SDP offer (RFC 8866, RFC 8829) as far as it is needed: no candidates, ICE-lite never calls."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.errors import Invalid

_MAX_SDP_BYTES = 200_000  # Chromium's largest offer with every codec is about 12 kB
_MAX_LINES = 16
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


@dataclass(slots=True)
class Section:
    """One m-line as offered. Attributes that occur once are in `values`, others in their own lists."""

    kind: str
    protocol: str
    formats: list[str]
    port: int
    values: dict[str, str] = field(default_factory=dict)
    rtpmap: dict[int, str] = field(default_factory=dict)
    fmtp: dict[int, str] = field(default_factory=dict)
    feedback: dict[str, list[str]] = field(default_factory=dict)
    extensions: dict[str, int] = field(default_factory=dict)
    ssrcs: list[int] = field(default_factory=list)
    pairs: list[tuple[int, int]] = field(default_factory=list)
    fingerprints: list[tuple[str, str]] = field(default_factory=list)
    direction: str = "sendrecv"

    @property
    def mid(self) -> str:
        return self.values.get("mid", "")


@dataclass(slots=True)
class Offer:
    ufrag: str
    pwd: str
    fingerprints: list[tuple[str, str]]
    bundle: list[str]
    sections: list[Section]


def read_offer(text: str) -> Offer:
    """Raises Invalid, with a sentence that says what is missing, and nothing else for any text."""
    if len(text) > _MAX_SDP_BYTES:
        raise Invalid("This SDP offer is too large.")
    lines = [line.strip() for line in text.splitlines()]
    if not lines or lines[0] != "v=0":
        raise Invalid("This is not an SDP offer: it must start with v=0.")
    session = Section("session", "", [], 0)
    sections: list[Section] = []
    bundle: list[str] = []
    for line in lines:
        if line.startswith("m="):
            sections.append(_media(line))
            if len(sections) > _MAX_LINES:
                raise Invalid("This SDP offer has too many m-lines.")
        elif line.startswith("a="):
            name, _, value = line[2:].partition(":")
            if name == "group" and not sections and value.startswith("BUNDLE"):
                bundle = value.split()[1:]
            else:
                _attribute(sections[-1] if sections else session, name, value)
    if not sections:
        raise Invalid("This SDP offer has no m-lines: it must offer audio or video.")
    if any(not s.mid or not s.mid.isascii() or " " in s.mid for s in sections if s.port):
        raise Invalid("This SDP offer has an m-line without a=mid.")
    if len({s.mid for s in sections if s.port}) != sum(1 for s in sections if s.port):
        raise Invalid("This SDP offer uses one a=mid twice.")
    bundle = bundle or [s.mid for s in sections if s.port][:1]
    base = next((s for s in sections if s.mid in bundle and s.port), sections[0])
    ufrag = base.values.get("ice-ufrag") or session.values.get("ice-ufrag", "")
    pwd = base.values.get("ice-pwd") or session.values.get("ice-pwd", "")
    if not 4 <= len(ufrag) <= 256 or not 22 <= len(pwd) <= 256:
        raise Invalid("This SDP offer has no a=ice-ufrag and a=ice-pwd: the server could not know who calls.")
    fingerprints = base.fingerprints or session.fingerprints
    if not any(algorithm in ("sha-256", "sha-384", "sha-512") for algorithm, _ in fingerprints):
        raise Invalid(
            "This SDP offer has no a=fingerprint with sha-256, sha-384 or sha-512: nobody could be recognised."
        )
    if (base.values.get("setup") or session.values.get("setup") or "actpass") not in ("actpass", "active"):
        raise Invalid("This SDP offer must have a=setup:actpass or active: the server is the passive side of DTLS.")
    return Offer(ufrag, pwd, fingerprints, bundle, sections)


def _media(line: str) -> Section:
    parts = line[2:].split()
    if len(parts) < 4:
        raise Invalid("This SDP offer has an m-line that is cut off.")
    port = _number(parts[1].partition("/")[0], 65535)
    if port is None:
        raise Invalid("This SDP offer has an m-line without a port.")
    return Section(parts[0], parts[2], parts[3:], port)


def _attribute(section: Section, name: str, value: str) -> None:
    if name in DIRECTIONS:
        section.direction = name
    elif name in ("rtpmap", "fmtp"):
        pt, _, rest = value.partition(" ")
        number = _number(pt, 127)
        if number is not None:
            (section.rtpmap if name == "rtpmap" else section.fmtp)[number] = rest.strip()
    elif name == "rtcp-fb":
        pt, _, rest = value.partition(" ")
        section.feedback.setdefault(pt, []).append(" ".join(rest.split()))
    elif name == "extmap":
        parts = value.split()
        # Ids above 14 need two-byte headers (RFC 8285), which we do not agree to.
        number = _number(parts[0].partition("/")[0], 14) if len(parts) >= 2 else None
        if number:
            section.extensions.setdefault(parts[1], number)
    elif name == "ssrc":
        number = _number(value.partition(" ")[0], 0xFFFFFFFF)
        if number is not None and number not in section.ssrcs and len(section.ssrcs) < 32:
            section.ssrcs.append(number)
    elif name == "ssrc-group":
        parts = value.split()
        numbers = [_number(part, 0xFFFFFFFF) for part in parts[1:]]
        if len(numbers) == 2 and parts[0] == "FID" and numbers[0] is not None and numbers[1] is not None:
            section.pairs.append((numbers[0], numbers[1]))
    elif name == "fingerprint":
        algorithm, _, digest = value.partition(" ")
        if digest and len(section.fingerprints) < 8:
            section.fingerprints.append((algorithm.lower(), digest.strip().upper()))
    else:
        section.values.setdefault(name, value.strip())


def _number(text: str, highest: int) -> int | None:
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        return None
    number = int(text)
    return number if number <= highest else None
