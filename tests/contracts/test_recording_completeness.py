"""What the server received is in the recording: frames counted at its tap beside frames in the finished file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from loadtest.clients import Client
from loadtest.clip import make_clip
from loadtest.impairment import Impairment
from loadtest.lab import Lab
from media.remux import remux
from rtc.forwarder import Forwarder
from rtc.rtp import read_layout
from rtc.sdp import Kind
from rtc.source import PumpedStream
from server.tapes import Tapes
from signaling.node import Tape
from tests.media.clips import watch
from tests.support.rtc_heard import until
from tests.support.rtc_room import room

PEOPLE = ("customer", "staff")
WORST = "loss=5,burst=3,delay=40,jitter=10,reorder=2,duplicate=2"
FRAMES = 250  # of each camera: 10 s


class CountingForwarder(Forwarder):
    """Keeps what it gives to each tap, apart by kind."""

    def __init__(self) -> None:
        super().__init__()
        self.tapped: dict[tuple[str, bool], list[bytes]] = {}

    def set_tap(
        self,
        peer_id: str,
        rtp: Callable[[bytes, int, bool], None] | None,
        sender_report: Callable[[bytes, int, bool], None] | None = None,
        tapes: Mapping[Kind, PumpedStream] | None = None,
    ) -> None:
        if rtp is None:
            return super().set_tap(peer_id, None)

        def count(packet: bytes, arrival_ns: int, is_video: bool) -> None:
            self.tapped.setdefault((peer_id, is_video), []).append(bytes(packet))
            rtp(packet, arrival_ns, is_video)

        return super().set_tap(peer_id, count, sender_report)


def whole_frames(packets: list[bytes]) -> int:
    """VP8 frames of which every packet is there: from the one that begins partition 0 to the one with the marker."""
    numbers: dict[bytes, set[int]] = {}
    first: dict[bytes, int] = {}
    last: dict[bytes, int] = {}
    for packet in packets:
        layout = read_layout(packet)
        assert layout is not None
        stamp, number = packet[4:8], int.from_bytes(packet[2:4], "big")
        numbers.setdefault(stamp, set()).add(number)
        if packet[layout.header_bytes] & 0x1F == 0x10:
            first[stamp] = number
        if packet[1] & 0x80:
            last[stamp] = number
    both_ends = first.keys() & last.keys()
    return sum(len(numbers[stamp]) == ((last[stamp] - first[stamp]) & 0xFFFF) + 1 for stamp in both_ends)


@pytest.mark.timeout(60)
async def test_of_the_frames_that_the_server_received_through_a_bad_network_all_are_in_the_recording(
    tmp_path: Path,
) -> None:
    clip, forwarder = make_clip(2.0), CountingForwarder()
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(Lab(impairment=Impairment.parse(WORST), seed=11))
        made = await stack.enter_async_context(room(forwarder, advertise=[("127.0.0.1", lab.port)]))
        lab.target_port = made.endpoint.port
        clients = {name: await stack.enter_async_context(Client(clip)) for name in PEOPLE}
        for name, client in clients.items():
            await client.connect(await made.endpoint.open_peer(name, client.offer()))
        await until(lambda: len(made.connected) == len(PEOPLE))
        tapes = Tapes(
            tmp_path, forwarder, lambda name: made.endpoint.peers[name].negotiated, lambda call, failing: None
        )
        stack.push_async_callback(tapes.close)
        forwarder.set_routes("call", [("customer", 0, "staff"), ("staff", 0, "customer")])
        tapes.want("call", tuple(Tape(peer=name, track=name) for name in PEOPLE))
        for client in clients.values():
            client.start()
        await until(lambda: all(len(client.sent_frames) >= FRAMES for client in clients.values()), deadline_s=30)
        await tapes.end("call")
        assert all(client.fault() is None for client in clients.values())
        assert forwarder.stats()["recovered"] > 20
        assert lab.counts.lost > 100

    done = remux(tmp_path / "call", tmp_path / "out")
    assert done is not None
    seen = watch(done.files["call"])
    in_file = [(seen.kinds[at] == "video", seen.packets[at]) for at in sorted(seen.kinds)]
    tapped = [forwarder.tapped[name, is_video] for name in PEOPLE for is_video in (True, False)]
    for packets, (is_video, recorded) in zip(tapped, in_file, strict=True):
        received = whole_frames(packets) if is_video else len({packet[2:12] for packet in packets})
        assert received >= (0.9 * FRAMES if is_video else 1.7 * FRAMES), done.tracks
        assert 0.999 * received <= recorded <= received, done.tracks
    assert seen.decoded == seen.packets
