"""Clients that send as phones do and hear as tablets do: two codecs, retransmission, counted packets, told times."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from rtc import rtp, twcc
from rtc.endpoint import Endpoint
from tests.rtc.synthetic import elements, packet
from tests.support.rtc_client import AUDIO_SSRC, RTX_SSRC, VIDEO_SSRC, Client
from tests.support.rtc_heard import until
from tests.support.rtc_room import Room, room

VP8, VP8_RTX, H264, H264_RTX, OPUS = 96, 97, 102, 103, 111
PHONE = {rtp.MID: 4, rtp.TRANSPORT_SEQUENCE: 3, rtp.ABS_SEND_TIME: 2, rtp.VIDEO_ORIENTATION: 13}
TABLET = {rtp.MID: 1, rtp.TRANSPORT_SEQUENCE: 5, rtp.ABS_SEND_TIME: 6, rtp.PLAYOUT_DELAY: 7}
KEYFRAME = {VP8: b"\x90\x80\x01\x00", H264: b"\x67\x42"}
DELTA = {VP8: b"\x90\x80\x01\x01", H264: b"\x61\x42"}
MORE = {VP8: b"\x80\x80\x01\x00", H264: b"\x61\x43"}


class Phone(Client):
    """Also a tablet. `ids` are its header extensions; `seen` what it was sent, as text that two runs have in common."""

    def __init__(self, port: int, ids: dict[str, int], **options: Any) -> None:
        super().__init__(port, **options)
        self.ids = ids

    def offer(self, *kinds: str) -> str:
        digest = self.certificate.getFingerprints()[0]
        out = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1"]
        for mid, (kind, formats) in enumerate((("audio", "111"), ("video", "96 97 102 103"))):
            out += [f"m={kind} 9 UDP/TLS/RTP/SAVPF {formats}", "c=IN IP4 0.0.0.0", "a=rtcp-mux", "a=sendrecv"]
            out += [f"a=mid:{mid}", "a=setup:actpass", f"a=ice-ufrag:{self.credentials.ufrag}"]
            out += [f"a=ice-pwd:{self.credentials.pwd}", f"a=fingerprint:{digest.algorithm} {digest.value}"]
            out += [f"a=extmap:{number} {uri}" for uri, number in self.ids.items()]
            if kind == "audio":
                out += ["a=rtpmap:111 opus/48000/2", "a=rtcp-fb:111 transport-cc", f"a=ssrc:{AUDIO_SSRC} cname:p"]
                continue
            out += ["a=rtpmap:96 VP8/90000", "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96", "a=rtpmap:102 H264/90000"]
            out += ["a=fmtp:102 packetization-mode=1;profile-level-id=42e01f", "a=rtpmap:103 rtx/90000"]
            out += ["a=fmtp:103 apt=102", f"a=ssrc-group:FID {VIDEO_SSRC} {RTX_SSRC}"]
            out += [f"a=ssrc:{ssrc} cname:p" for ssrc in (VIDEO_SSRC, RTX_SSRC)]
            for pt in (VP8, H264):
                out += [f"a=rtcp-fb:{pt} {feedback}" for feedback in ("nack", "nack pli", "transport-cc")]
        return "\r\n".join(out) + "\r\n"

    def seen(self) -> list[str]:
        firsts: dict[int, int] = {}
        stamps: dict[int, int] = {}
        names = {number: uri.rsplit("/", 1)[-1] for uri, number in self.ids.items()}
        picture = 0  # its first number
        told = []
        for data in self.packets:
            layout = rtp.read_layout(data)
            assert layout is not None
            ssrc = int.from_bytes(data[8:12], "big")
            sequence, stamp = int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:8], "big")
            if data[1] & 0x7F in (VP8, H264):
                picture = firsts.setdefault(ssrc, sequence)
            first = firsts.setdefault(ssrc, sequence)
            name = list(firsts).index(ssrc)
            step = (stamp - stamps.get(name, stamp)) & 0xFFFFFFFF
            stamps[name] = stamp
            # where a stream begins anew the leg goes on by the time that passed, and no two runs take the same
            moved = str(step) if step <= 2880 and step % 960 == 0 else "far"
            said = []
            for element, (at, length) in sorted(layout.elements.items()):
                value = "time" if names.get(element) == "abs-send-time" else data[at : at + length].hex()
                said.append(f"{names.get(element, element)}={value}")
            body = data[layout.header_bytes :].hex()
            if data[1] & 0x7F in (VP8_RTX, H264_RTX):
                body = f"{(int(body[:4], 16) - picture) & 0xFFFF} {body[4:]}"
            told.append(f"{name} {(sequence - first) & 0xFFFF} {moved} {data[0]:x} {data[1]} {' '.join(said)} {body}")
        return told


@dataclass
class Stream:
    """What one camera or microphone sends; every packet stays here, as it was before it was sealed."""

    ssrc: int
    sequence: int
    stamp: int
    sent: list[bytes] = field(default_factory=list)


class Studio:
    """Makes packets, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.video = Stream(VIDEO_SSRC, 65400, 0xFFFFE000)
        self.audio = Stream(AUDIO_SSRC, 100, 5000 * 960)
        self.rtx_sequence = 7
        self.wide = 65300
        self.pt = VP8

    def _block(self, mid: bytes, form: int = 0) -> bytes:
        self.wide = (self.wide + 1) & 0xFFFF
        wide = self.wide.to_bytes(2, "big")
        if form == 1:
            return elements(e4=mid, e3=wide, e2=b"abc", e13=b"\x02")
        if form == 2:
            return elements(e3=wide, e9=b"unknown")
        if form == 3:  # RFC 8285's two-byte form, longer than the pump looks at
            values = b"\x04\x01" + mid + b"\x03\x02" + wide + b"\x77\xb4" + bytes(180)
            values += bytes(-len(values) % 4)
            return b"\x10\x00" + (len(values) // 4).to_bytes(2, "big") + values
        return elements(e4=mid, e3=wide, e2=b"abc")

    def sound(self) -> bytes:
        stream = self.audio
        stream.sequence, stream.stamp = stream.sequence + 1, stream.stamp + 960
        body = self.random.randbytes(self.random.randint(0, 120))
        made = packet(OPUS, stream.sequence, stream.stamp, stream.ssrc, body, block=self._block(b"0"))
        stream.sent.append(made)
        return made

    def frame(self, *, is_key: bool = False, packets: int = 3, form: int = 0, pad: int = 0) -> list[bytes]:
        stream = self.video
        stream.stamp += 2880
        made = []
        for place in range(packets):
            stream.sequence += 1
            head = MORE[self.pt] if place else KEYFRAME[self.pt] if is_key else DELTA[self.pt]
            body = head + self.random.randbytes(self.random.randint(0, 900))
            made.append(
                packet(
                    self.pt, stream.sequence, stream.stamp, stream.ssrc, body, block=self._block(b"1", form),
                    marker=place == packets - 1, pad=pad,
                )
            )  # fmt: skip
        stream.sent += made
        return made

    def again(self, original: bytes) -> bytes:
        """As RTX (RFC 4588)."""
        header = 12 + 4 + 4 * int.from_bytes(original[14:16], "big")
        self.rtx_sequence += 1
        body = original[2:4] + original[header:]
        stamp = int.from_bytes(original[4:8], "big")
        kind = VP8_RTX if original[1] & 0x7F == VP8 else H264_RTX
        return packet(kind, self.rtx_sequence, stamp, RTX_SSRC, body, block=self._block(b"1"))


@dataclass
class Call:
    room: Room
    phone: Phone
    tablet: Phone

    @property
    def endpoint(self) -> Endpoint:
        return self.room.endpoint

    def pumped(self) -> float:
        """Packets that Python did not see."""
        pump = self.endpoint.pump
        return pump.stats()["srtp_opened"] if pump is not None else 0.0

    async def settle(self) -> None:
        """Until all that the phone sent was handled, and all that came of it is with the tablet."""
        await self.phone.check()
        legs = self.room.forwarder.source_of("tablet").legs.values()
        sent, ours = sum(leg.packets for leg in legs), {leg.ssrc for leg in legs}
        await until(lambda: sum(int.from_bytes(d[8:12], "big") in ours for d in self.tablet.packets) >= sent)


@asynccontextmanager
async def call(*, is_native: bool, profiles: list[Any] | None = None) -> AsyncIterator[Call]:
    """A tablet that sees a phone."""
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(room(is_native=is_native))
        assert (made.endpoint.pump is not None) == is_native
        clients = []
        for name, ids in (("phone", PHONE), ("tablet", TABLET)):
            client = await stack.enter_async_context(Phone(made.endpoint.port, ids, profiles=profiles))
            client.take(await made.endpoint.open_peer(name, client.offer()))
            await client.connect()
            await until(lambda name=name: name in made.connected)  # type: ignore[misc]
            clients.append(client)
        made.forwarder.set_routes("call", [("tablet", 0, "phone")])
        yield Call(made, *clients)


def feedback(base: int, arrivals: list[int | None]) -> list[bytes]:
    return twcc.build_feedback(1, 2, 0, base, arrivals)


def video(client: Client, ssrc: int) -> list[int]:
    """Sequence numbers of what came, from the first on."""
    numbers = [int.from_bytes(d[2:4], "big") for d in client.packets if d[8:12] == ssrc.to_bytes(4, "big")]
    return [(number - numbers[0]) & 0xFFFF for number in numbers]


async def speak(running: Call, studio: Studio, frames: int) -> None:
    for _ in range(frames):
        for made in studio.frame():
            running.phone.send(running.phone.seal(made))
        await running.phone.check()


async def begin(running: Call, studio: Studio) -> int:
    """The first picture; answers the SSRC under which the tablet sees it."""
    for made in studio.frame(is_key=True):
        running.phone.send(running.phone.seal(made))
        await running.phone.check()
    return running.room.forwarder.source_of("tablet").legs["video", 0].ssrc
