"""A browser's transport without the browser: one loopback socket, checks, DTLS by aiortc, SRTP by libsrtp.

The test decides every datagram: what is replayed, forged, sent from a new port, or never sent.
"""

from __future__ import annotations

import asyncio
import secrets
from types import TracebackType
from typing import Any, Self

from aiortc import rtcdtlstransport as dtls
from aiortc import rtcsctptransport as sctp
from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters

from rtc import stun
from rtc.ice import Credentials

AUDIO_SSRC, VIDEO_SSRC, RTX_SSRC = 0x11111111, 0x22222222, 0x33333333

_LINES = {
    "audio": f"""m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=rtcp-mux
a=sendrecv
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=rtcp-fb:111 transport-cc
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=ssrc:{AUDIO_SSRC} cname:phone
""",
    "video": f"""m=video 9 UDP/TLS/RTP/SAVPF 96 97 98
c=IN IP4 0.0.0.0
a=rtcp-mux
a=rtcp-rsize
a=sendrecv
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 transport-cc
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:98 VP9/90000
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:20 urn:3gpp:video-orientation
a=ssrc-group:FID {VIDEO_SSRC} {RTX_SSRC}
a=ssrc:{VIDEO_SSRC} cname:phone
a=ssrc:{RTX_SSRC} cname:phone
""",
    "application": """m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=sctp-port:5000
a=max-message-size:262144
""",
}


def rtp(sequence: int, payload: bytes = b"sound", *, ssrc: int = AUDIO_SSRC, kind: int = 111) -> bytes:
    return bytes([0x80, kind]) + sequence.to_bytes(2, "big") + bytes(4) + ssrc.to_bytes(4, "big") + payload


class Client(asyncio.DatagramProtocol):
    """`packets` and `reports` hold what libsrtp opened; `send` puts any bytes on the wire."""

    role = "controlling"
    state = "completed"

    def __init__(self, port: int, *, profiles: list[Any] | None = None) -> None:
        self.server = ("127.0.0.1", port)
        self.credentials = Credentials.fresh()
        self.remote = Credentials("", "")
        self.certificate = dtls.RTCCertificate.generateCertificate()
        self.dtls = dtls.RTCDtlsTransport(self, [self.certificate])  # type: ignore[arg-type]
        self.dtls._set_role("client")
        if profiles:
            self.dtls._srtp_profiles = profiles
        self.sctp = sctp.RTCSctpTransport(self.dtls)
        self.packets: list[bytes] = []
        self.reports: list[bytes] = []
        self.dtls_seen: list[bytes] = []
        self.lose_next_dtls = 0
        self._records: asyncio.Queue[bytes] = asyncio.Queue()
        self._answers: dict[bytes, asyncio.Future[bytes]] = {}
        self._wire: asyncio.DatagramTransport | None = None
        self._remote_fingerprint = ("", "")

    async def __aenter__(self) -> Self:
        await self.rebind()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.sctp.stop()
        task = self.dtls._task
        await self.dtls.stop()
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)
        self.fall_silent()

    def fall_silent(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    async def rebind(self) -> None:
        """A new source port, as after a NAT forgot the old one."""
        self.fall_silent()
        loop = asyncio.get_running_loop()
        self._wire, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))

    @property
    def address(self) -> tuple[str, int]:
        assert self._wire is not None
        host, port = self._wire.get_extra_info("sockname")
        return host, port

    # --- SDP ---

    def offer(self, *kinds: str) -> str:
        kinds = kinds or ("audio", "video", "application")
        digest = self.certificate.getFingerprints()[0]
        head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
        out = head + "a=group:BUNDLE " + " ".join(str(i) for i in range(len(kinds))) + "\r\n"
        for mid, kind in enumerate(kinds):
            out += _LINES[kind].replace("\n", "\r\n")
            out += f"a=ice-ufrag:{self.credentials.ufrag}\r\na=ice-pwd:{self.credentials.pwd}\r\n"
            out += f"a=fingerprint:{digest.algorithm} {digest.value}\r\na=setup:actpass\r\na=mid:{mid}\r\n"
        return out

    def take(self, answer: str) -> None:
        values = dict(line[2:].partition(":")[::2] for line in answer.splitlines() if line.startswith("a="))
        self.remote = Credentials(values["ice-ufrag"], values["ice-pwd"])
        algorithm, _, digest = values["fingerprint"].partition(" ")
        self._remote_fingerprint = (algorithm, digest)

    # --- ICE, DTLS, channel ---

    async def check(
        self, *, remote: Credentials | None = None, use_candidate: bool = True, deadline_s: float = 5.0
    ) -> stun.Message:
        """One connectivity check; its verified answer. Raises TimeoutError when the server keeps silent."""
        remote = remote or self.remote
        transaction = secrets.token_bytes(12)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._answers[transaction] = answer
        name = f"{remote.ufrag}:{self.credentials.ufrag}"
        self.send(stun.request(transaction, name, remote.pwd.encode(), use_candidate=use_candidate))
        async with asyncio.timeout(deadline_s):
            data = await answer
        message = stun.parse(data)
        assert message is not None
        assert message.type == stun.SUCCESS
        assert stun.is_authentic(data, message, remote.pwd.encode())
        return message

    async def connect(self, *, deadline_s: float = 10.0) -> None:
        await self.check()
        algorithm, digest = self._remote_fingerprint
        remote = dtls.RTCDtlsParameters([dtls.RTCDtlsFingerprint(algorithm, digest)])
        async with asyncio.timeout(deadline_s):
            await self.dtls.start(remote)
        assert self.dtls.state == "connected", self.dtls.state

    async def open_channel(self, label: str = "loupe") -> RTCDataChannel:
        if self.sctp.state == "new":
            await self.sctp.start(sctp.RTCSctpCapabilities(maxMessageSize=0), 5000)
        channel = RTCDataChannel(self.sctp, RTCDataChannelParameters(label=label))
        opened = asyncio.Event()
        channel.on("open", opened.set)
        async with asyncio.timeout(10):
            await opened.wait()
        return channel

    # --- packets ---

    def seal(self, packet: bytes) -> bytes:
        return bytes(self.dtls._tx_srtp.protect(packet))

    def seal_report(self, packet: bytes) -> bytes:
        return bytes(self.dtls._tx_srtp.protect_rtcp(packet))

    def send(self, data: bytes) -> None:
        if self._wire is not None:
            self._wire.sendto(data, self.server)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        first = data[0]
        if first <= 3:
            answer = self._answers.pop(data[8:20], None)
            if answer is not None and not answer.done():
                answer.set_result(data)
        elif 20 <= first <= 63:
            self.dtls_seen.append(data)
            if self.lose_next_dtls > 0:
                self.lose_next_dtls -= 1
            else:
                self._records.put_nowait(data)
        elif self.dtls._rx_srtp is not None:
            if 192 <= data[1] <= 223:
                self.reports.append(bytes(self.dtls._rx_srtp.unprotect_rtcp(data)))
            else:
                self.packets.append(bytes(self.dtls._rx_srtp.unprotect(data)))

    async def _recv(self) -> bytes:
        return await self._records.get()

    async def _send(self, data: bytes) -> None:
        self.send(data)
