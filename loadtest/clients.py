"""One person's transport without a browser: a UDP socket, ICE checks, DTLS, SRTP, and a clip sent at a camera's pace.

Light on purpose: it neither encodes nor decodes, so that several fit beside the server that they measure.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, Self

import pylibsrtp
from aioice import stun
from aiortc import rtcdtlstransport as dtls

from loadtest import ice, reports
from loadtest.arrival import receive, stamp_arrivals
from loadtest.channel import Channel
from loadtest.clip import AUDIO_PACKET_S, FPS, Clip
from loadtest.sdp import AUDIO_PT, VIDEO_PT, Answer, read_answer, write_offer
from loadtest.stream import Stream, payload_at, until
from loadtest.watching import SoundCount, Watch

CONNECT_DEADLINE_S = 15.0
CHECK_EVERY_S = 2.5  # consent freshness (RFC 7675) asks for one in 5 s
REPORT_EVERY_S = 1.0
FEEDBACK_EVERY_S = 0.1  # Chromium: 50 to 250 ms
PACING_S = (
    0.004  # Chromium's pacer spreads a frame's packets; a burst would flatter the server, which reads them at once
)
KEYFRAME_ON_REQUEST_S = 0.3  # libwebrtc heeds no second request so soon after the one before
HEAL_EVERY_S = 0.02
KEYFRAME_REQUEST_EVERY_S = 0.5
_VIDEO_STEP, _AUDIO_STEP = 90_000 // FPS, 960
_IRREGULAR = 450  # ticks: up to 5 ms, as cameras do; it makes frames recognisable by their timestamps


class Client:
    """Usage: `async with Client(clip) as client`, `offer()`, `await connect(answer)`, `start()`.

    `received` counts RTP packets opened, `sent` those sealed. `sent_frames` maps a video frame's RTP timestamp to the
    nanosecond at which its last packet left; `arrived_frames` are (timestamp, nanosecond) of frames that could be shown, when
    the kernel had the packet that was missing.
    `host` is where the server is; `via`, an address through which it is reached (a network lab).
    """

    role = "controlling"
    state = "completed"

    def __init__(self, clip: Clip, *, host: str = "127.0.0.1", via: tuple[str, int] | None = None) -> None:
        self._clip = clip
        self._host = host
        self.via = via
        self._ufrag, self._pwd = secrets.token_hex(4), secrets.token_hex(16)
        self._certificate = dtls.RTCCertificate.generateCertificate()
        self._dtls = dtls.RTCDtlsTransport(self, [self._certificate])  # type: ignore[arg-type]
        self._dtls._set_role("client")
        self._records: asyncio.Queue[bytes] = asyncio.Queue()
        self._checked = asyncio.Event()
        self._socket: socket.socket | None = None
        self._remote: Answer | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._audio, self._video = Stream(AUDIO_PT), Stream(VIDEO_PT)
        self._wide = 0
        self._wide_arrivals: list[tuple[int, int]] = []
        self._feedbacks = 0
        self._heard: dict[int, int] = {}
        self._heard_video = 0
        self._keyframe_wanted = False
        self.received = self.sent = self.unreadable = self.keyframe_requests = 0
        self.sent_frames: dict[int, int] = {}
        self.frame_log: list[tuple[int, int]] = []  # (nanosecond of its timestamp, bytes) of each frame sent
        self.sound_log: list[tuple[int, int]] = []
        self.sent_sounds: list[int] = []  # the nanosecond of each one's send call
        self._sizes = [sum(len(part) - 1 for part in frame) for frame in clip.frames]
        self.watch = Watch()
        self.arrived_frames = self.watch.shown
        self.sound = SoundCount()
        self.resent = self.unsent = 0
        self._is_sending = False
        self.first_packet_ns = self.checked_ns = self.connected_ns = 0
        self.channel: Channel | None = None
        self.has_sound = asyncio.Event()
        self.has_picture = asyncio.Event()
        self.frame_shown = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._open_socket()
        return self

    def _open_socket(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.bind(("127.0.0.1" if self._host.startswith("127.") else "0.0.0.0", 0))
        stamp_arrivals(self._socket)
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def _close_socket(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def change_network(self) -> None:
        """Goes on from another port, as a phone that changes from Wi-Fi to mobile; the next check tells the server."""
        if self._socket is not None:  # one that was closed stays so
            self._close_socket()
            self._open_socket()
            if self._remote is not None:
                self._put(self._check())

    async def __aexit__(self, *fault: object) -> None:
        for task in self._tasks:
            task.cancel()
        try:
            await asyncio.gather(*self._tasks, return_exceptions=True)
            if self.channel is not None:
                await self.channel.close()
            pump = self._dtls._task
            await self._dtls.stop()
            if pump is not None:
                await asyncio.gather(pump, return_exceptions=True)
        finally:
            self._close_socket()

    def offer(self, *, has_channel: bool = False) -> str:
        assert self._socket is not None
        print_ = next(f for f in self._certificate.getFingerprints() if f.algorithm == "sha-256")
        return write_offer(
            ufrag=self._ufrag,
            pwd=self._pwd,
            fingerprint=f"{print_.algorithm} {print_.value}",
            address=self._socket.getsockname(),
            audio_ssrc=self._audio.ssrc,
            video_ssrc=self._video.ssrc,
            has_channel=has_channel,
        )

    async def connect(self, answer: str) -> None:
        """Raises TimeoutError or ConnectionError when the server does not answer checks or the handshake."""
        self._remote = remote = read_answer(answer, self._host)
        self._tasks.append(asyncio.create_task(self._keep_consent()))
        async with asyncio.timeout(CONNECT_DEADLINE_S):
            await self._checked.wait()
            await self._dtls.start(dtls.RTCDtlsParameters([dtls.RTCDtlsFingerprint(*remote.fingerprint)]))
        if self._dtls.state != "connected":
            raise ConnectionError("the DTLS handshake with the server failed")
        self.connected_ns = time.monotonic_ns()

    async def open_channel(self, hear: Callable[[str], None]) -> Channel:
        """For an offer with a channel; after `connect`. `hear` gets the texts. Raises TimeoutError."""
        self.channel = Channel(self._dtls, hear)
        await self.channel.open()
        return self.channel

    def start(self) -> None:
        """Begins to send the clip and the reports; again does nothing."""
        if self._is_sending:
            return
        self._is_sending = True
        work_of_a_browser = (
            self._send_sound(),
            self._send_picture(),
            self._send_reports(),
            self._send_feedback(),
            self._heal(),
        )
        for work in work_of_a_browser:
            self._tasks.append(asyncio.create_task(work))

    def forget(self) -> None:
        """What was sent and seen so far is in no later figure."""
        for kept in (self.sent_frames, self.frame_log, self.sound_log, self.sent_sounds, self.arrived_frames):
            kept.clear()
        self.watch.pause()

    def fault(self) -> BaseException | None:
        """What ended one of this client's tasks, if anything did."""
        ended = (task for task in self._tasks if task.done() and not task.cancelled())
        return next((task.exception() for task in ended if task.exception()), None)

    # --- ICE ---

    def _check(self) -> bytes:
        assert self._remote is not None
        return ice.check(self._remote.ufrag, self._ufrag, self._remote.pwd)

    async def _keep_consent(self) -> None:
        pause = 0.05
        while True:
            self._put(self._check())
            await asyncio.sleep(CHECK_EVERY_S if self._checked.is_set() else pause)
            pause = min(1.0, pause * 2)

    def _hear_check(self, data: bytes, address: tuple[str, int]) -> None:
        try:
            message = stun.parse_message(data)
        except ValueError:
            self.unreadable += 1
            return
        if message.message_class == stun.Class.RESPONSE:
            if not self.checked_ns:
                self.checked_ns = time.monotonic_ns()
            self._checked.set()
        elif message.message_class == stun.Class.REQUEST:
            assert self._socket is not None
            self._socket.sendto(ice.answer_to(message, address, self._pwd), address)

    # --- what aiortc's DTLS calls ---

    async def _recv(self) -> bytes:
        return await self._records.get()

    async def _send(self, data: bytes) -> None:
        self._put(data)

    def _put(self, data: bytes) -> None:
        if self._socket is not None and self._remote is not None:
            try:
                self._socket.sendto(data, self.via or self._remote.address)
            except OSError:  # no room in the socket, or no way to the server now: like a network that loses it
                self.unsent += 1

    # --- receiving ---

    def _read(self) -> None:
        assert self._socket is not None
        while True:
            try:
                data, address, arrived_ns = receive(self._socket)
            except BlockingIOError:
                return
            except ConnectionRefusedError:  # the server's port is closed: the deadlines say so
                continue
            first = data[0] if data else 0
            if first >= 128:
                self._open(data, arrived_ns)
            elif first >= 20:
                self._records.put_nowait(data)
            else:
                self._hear_check(data, address)

    def _open(self, data: bytes, arrived_ns: int) -> None:
        session: Any = self._dtls._rx_srtp
        if session is None:
            return
        try:
            if 192 <= data[1] <= 223:
                self._heed(session.unprotect_rtcp(data))
                return
            packet = session.unprotect(data)
        except pylibsrtp.Error:
            self.unreadable += 1
            return
        self.received += 1
        second, sequence, stamp, ssrc = struct.unpack_from("!xBHII", packet)
        self._heard[ssrc] = sequence
        if not self.first_packet_ns:
            self.first_packet_ns = arrived_ns
        if second & 0x7F == VIDEO_PT:
            if ssrc != self._heard_video:
                self._heard_video = ssrc
                self.has_picture.set()
            payload = memoryview(packet)[payload_at(packet) :]
            if self.watch.packet(sequence, stamp, payload, marker=bool(second & 0x80), now_ns=arrived_ns):
                self.frame_shown.set()
        else:
            self.sound.packet(ssrc, sequence, arrived_ns)
            self.has_sound.set()
        if self._remote is not None and self._remote.transport_cc:
            number = reports.transport_number(packet, self._remote.transport_cc)
            if number is not None:
                self._wide_arrivals.append((number, arrived_ns))

    def _heed(self, compound: bytes) -> None:
        if reports.asks_for_keyframe(compound):
            self.keyframe_requests += 1
            self._keyframe_wanted = True
        for sequence in reports.asked_packets(compound):
            sealed = self._video.kept.get(sequence)
            if sealed is not None:
                self.resent += 1
                self._put(sealed)

    async def _heal(self) -> None:
        """Asks again for what is missing, and for a keyframe when the picture stands, as browsers do."""
        asked_at = 0.0
        while True:
            await asyncio.sleep(HEAL_EVERY_S)
            now_ns = time.monotonic_ns()
            if wanted := self.watch.to_ask_for(now_ns):
                request = reports.lost_packets_request(self._video.ssrc, self._heard_video, sorted(wanted))
                self._put_report(request)
            now = now_ns / 1e9
            if self.watch.needs_keyframe(now_ns) and now - asked_at > KEYFRAME_REQUEST_EVERY_S:
                asked_at = now
                self._put_report(reports.keyframe_request(self._video.ssrc, self._heard_video))

    # --- sending ---

    def _send_packet(self, stream: Stream, payload: bytes, *, marker: bool) -> int:
        """Gives the nanosecond of the send call."""
        extension = self._remote.transport_cc if self._remote else 0
        head = struct.pack(
            "!BBHII",
            0x90 if extension else 0x80,
            stream.payload_type | (0x80 if marker else 0),
            stream.sequence & 0xFFFF,
            stream.stamp & 0xFFFFFFFF,
            stream.ssrc,
        )
        if extension:
            head += struct.pack("!HHBHx", 0xBEDE, 1, extension << 4 | 1, self._wide & 0xFFFF)
            self._wide += 1
        sealed = self._dtls._tx_srtp.protect(head + payload)
        if stream is self._video:
            stream.keep(stream.sequence & 0xFFFF, sealed)
        stream.sequence += 1
        stream.packets += 1
        stream.octets += len(payload)
        put_ns = time.monotonic_ns()
        self._put(sealed)
        self.sent += 1
        return put_ns

    async def _send_sound(self) -> None:
        stream, sounds = self._audio, self._clip.sounds
        due = time.monotonic() + random.random() * AUDIO_PACKET_S
        index = 0
        while True:
            await until(due)
            stream.stamp = stream.base + index * _AUDIO_STEP
            stream.stamped_ns = int(due * 1e9)
            self.sent_sounds.append(self._send_packet(stream, sounds[index % len(sounds)], marker=index == 0))
            self.sound_log.append((stream.stamped_ns, len(sounds[index % len(sounds)])))
            index += 1
            due += AUDIO_PACKET_S

    async def _send_picture(self) -> None:
        stream, frames = self._video, self._clip.frames
        start = time.monotonic() + random.random() / FPS
        place = count = 0
        heeded_at = 0.0
        while True:
            due = start + count / FPS
            await until(due)
            if self._keyframe_wanted and due - heeded_at > KEYFRAME_ON_REQUEST_S:
                place = 0
                heeded_at = due
            self._keyframe_wanted = False
            parts = frames[place]
            irregular = random.randrange(_IRREGULAR)
            stream.stamp = stream.base + count * _VIDEO_STEP + irregular
            stream.stamped_ns = int((due + irregular / 90_000) * 1e9)
            self.frame_log.append((stream.stamped_ns, self._sizes[place]))
            pace = min(PACING_S, 0.75 / FPS / len(parts))
            for at, part in enumerate(parts):
                if at:
                    await until(due + at * pace)
                is_last = at == len(parts) - 1
                put_ns = self._send_packet(stream, part, marker=is_last)
                if is_last:
                    self.sent_frames[stream.stamp & 0xFFFFFFFF] = put_ns
            count += 1
            place = (place + 1) % len(frames)

    async def _send_reports(self) -> None:
        """Sender reports with what was heard, as browsers do; the estimate only where there is no better feedback."""
        while True:
            await asyncio.sleep(REPORT_EVERY_S * random.uniform(0.8, 1.2))
            heard = list(self._heard.items())
            now_ns = time.monotonic_ns()
            for stream, rate in ((self._audio, 48_000), (self._video, 90_000)):
                stamp = stream.stamp_at(now_ns, rate)
                self._put_report(reports.sender_report(stream.ssrc, stamp, stream.packets, stream.octets, heard))
                heard = []
            if self._remote is not None and not self._remote.transport_cc and self._heard_video:
                estimate = reports.bandwidth_estimate(
                    self._video.ssrc, [self._heard_video], round(self._clip.video_bps)
                )
                self._put_report(estimate)
            if not self.has_picture.is_set() and self._heard_video:
                self._put_report(reports.keyframe_request(self._video.ssrc, self._heard_video))

    async def _send_feedback(self) -> None:
        while True:
            await asyncio.sleep(FEEDBACK_EVERY_S)
            arrivals, self._wide_arrivals = self._wide_arrivals, []
            if arrivals:
                feedback = reports.transport_feedback(self._video.ssrc, self._heard_video, self._feedbacks, arrivals)
                self._feedbacks += 1
                self._put_report(feedback)

    def _put_report(self, packet: bytes) -> None:
        self._put(self._dtls._tx_srtp.protect_rtcp(packet))
