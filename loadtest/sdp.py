"""The offer of a measuring client, and what it must know of the answer."""

from __future__ import annotations

from dataclasses import dataclass

AUDIO_PT, VIDEO_PT = 111, 96
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

_OFFER = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE {bundle}
a=msid-semantic: WMS *
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=rtcp-mux
a=sendrecv
a=mid:0
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=rtcp-fb:111 transport-cc
a=extmap:3 {transport_cc}
a=msid:person microphone
a=ssrc:{audio_ssrc} cname:person
{transport}
m=video 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=rtcp-mux
a=rtcp-rsize
a=sendrecv
a=mid:1
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 transport-cc
a=extmap:3 {transport_cc}
a=msid:person camera
a=ssrc:{video_ssrc} cname:person
{transport}
"""

_CHANNEL = """m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=mid:2
a=sctp-port:5000
a=max-message-size:65536
{transport}
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """`transport_cc`: the header extension's id, 0 when the server does not speak it."""

    ufrag: str
    pwd: str
    fingerprint: tuple[str, str]
    address: tuple[str, int]
    transport_cc: int


def write_offer(
    *,
    ufrag: str,
    pwd: str,
    fingerprint: str,
    address: tuple[str, int],
    audio_ssrc: int,
    video_ssrc: int,
    has_channel: bool = False,
) -> str:
    host, port = address
    transport = (
        f"a=ice-ufrag:{ufrag}\na=ice-pwd:{pwd}\na=fingerprint:{fingerprint}\na=setup:active\n"
        f"a=candidate:1 1 udp 2130706431 {host} {port} typ host\na=end-of-candidates"
    )
    text = (_OFFER + _CHANNEL if has_channel else _OFFER).format(
        bundle="0 1 2" if has_channel else "0 1",
        transport=transport,
        transport_cc=TRANSPORT_CC,
        audio_ssrc=audio_ssrc,
        video_ssrc=video_ssrc,
    )
    return text.replace("\n", "\r\n")


def read_answer(text: str, host: str = "127.0.0.1") -> Answer:
    """Takes the first UDP candidate on loopback, or, for a server elsewhere (`host`), the one with its address, else its
    first IPv4 one. Raises ValueError that names what is missing."""
    is_local = host.startswith("127.")
    values: dict[str, str] = {}
    address: tuple[str, int] | None = None
    transport_cc = 0
    for line in text.splitlines():
        name, _, value = line.removeprefix("a=").partition(":")
        parts = value.split()
        if name == "candidate" and len(parts) >= 6 and parts[2].lower() == "udp":
            if parts[4].startswith("127.") if is_local else "." in parts[4] and (address is None or parts[4] == host):
                address = address if is_local and address else (parts[4], int(parts[5]))
        elif name == "extmap" and parts[1:2] == [TRANSPORT_CC]:
            transport_cc = int(parts[0].partition("/")[0])
        else:
            values.setdefault(name, value)
    missing = [name for name in ("ice-ufrag", "ice-pwd", "fingerprint") if name not in values]
    if address is None:
        missing.append(f"candidate on {'127.0.0.1' if is_local else 'IPv4'}")
    if missing or address is None:
        raise ValueError(f"the answer has no {', no '.join(missing)}")
    algorithm, _, digest = values["fingerprint"].partition(" ")
    return Answer(values["ice-ufrag"], values["ice-pwd"], (algorithm, digest), address, transport_cc)
