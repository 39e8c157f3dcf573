"""What goes through the native pump arrives as it does through Python."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from media.journal import read_runs
from rtc import rtcp, twcc
from rtc.nack import build_nack, read_nack
from rtc.party import SILENT_NS
from rtc.rtcp import Report
from rtc.sdp import Negotiated
from rtc.state import COUNTER
from server.tapes import Tapes
from signaling.node import Tape
from tests.rtc.phones import H264, VP8, Call, Phone, Stream, Studio, call, feedback
from tests.support.rtc_heard import until

Told = dict[str, object]
KINDS = """plain plain plain sound sound lost late twice replayed forged shape long csrc padded key codec rtx jump pause
nack acknowledge strange"""


async def story(running: Call, seed: int, journals: Path) -> Told:
    """A call with all that networks, senders and strangers do to it; answers what it came to."""
    forwarder, phone, tablet, studio = running.room.forwarder, running.phone, running.tablet, Studio(seed)
    chance = studio.random

    def negotiated(peer: str) -> Negotiated | None:
        return running.endpoint.peers[peer].negotiated

    tapes = Tapes(journals, forwarder, negotiated, lambda *_: None)
    if running.endpoint.pump is not None:
        tapes.hold_in(running.endpoint.pump.tape)
    tape = (Tape("phone", "customer"),)
    tapes.want("call", tape)
    held: list[bytes] = []
    old: list[bytes] = []
    acknowledged = 0

    async def send(made: bytes) -> None:
        sealed = phone.seal(made)
        old.append(sealed)
        phone.send(sealed)
        await phone.check()

    for turn in range(90):
        kind = chance.choice(KINDS.split())
        if turn in (30, 60):
            kind = "newcomer"
        if turn == 0 or kind == "key":
            for made in studio.frame(is_key=True):
                await send(made)
        elif kind == "plain":
            for made in studio.frame(packets=chance.randint(1, 5)):
                await send(made)
        elif kind == "sound":
            await send(studio.sound())
        elif kind == "lost":
            for place, made in enumerate(studio.frame(packets=4)):
                if place == 1:
                    phone.seal(made)
                else:
                    await send(made)
        elif kind == "late":
            first, *others = (phone.seal(made) for made in studio.frame(packets=3))
            for sealed in (*others, first):
                phone.send(sealed)
                await phone.check()
        elif kind in ("twice", "replayed"):
            await send(studio.sound() if kind == "twice" else studio.frame(packets=1)[0])
            phone.send(old[-1] if kind == "twice" else chance.choice(old[-200:]))
        elif kind == "forged":
            sealed = phone.seal(studio.frame(packets=1)[0])
            at = chance.randrange(len(sealed))
            phone.send(sealed[:at] + bytes((sealed[at] ^ 1 << chance.randrange(8),)) + sealed[at + 1 :])
        elif kind in ("shape", "long", "padded"):
            for made in studio.frame(packets=2, form={"shape": 1, "long": 3}.get(kind, 2), pad=40 * (kind == "padded")):
                await send(made)
        elif kind == "csrc":
            made = studio.frame(packets=1)[0]
            await send(bytes((made[0] | 1,)) + made[1:12] + b"csrc" + made[12:])
        elif kind == "codec":
            studio.pt = H264 if studio.pt == VP8 else VP8
            for made in studio.frame(is_key=True):
                await send(made)
        elif kind == "rtx":
            held += studio.video.sent[-3:]
            await send(studio.again(chance.choice(held)))
        elif kind == "jump":
            studio.video.sequence += 4000
            for made in (*studio.frame(is_key=True), *studio.frame()):
                await send(made)
        elif kind == "newcomer":
            await silence(SILENT_NS)
            studio.video = Stream(0x44444444 + turn, chance.randrange(1 << 15), studio.video.stamp)
            held.clear()
            for made in (*studio.frame(), *studio.frame(is_key=True), *studio.frame()):
                await send(made)
        elif kind == "pause":
            tapes.want("call", ())
            await send(studio.sound())
            tapes.want("call", tape)
        elif kind == "nack":
            await running.settle()
            legs = forwarder.source_of("tablet").legs
            ours = legs["video", 0].ssrc.to_bytes(4, "big")
            numbers = [int.from_bytes(d[2:4], "big") for d in tablet.packets if d[8:12] == ours][-40:]
            tablet.send(tablet.seal_report(build_nack(1, legs["video", 0].ssrc, numbers[:3])))
            await tablet.check()
        elif kind == "acknowledge":
            count = forwarder.source_of("tablet").downlink.state[COUNTER]
            arrivals: list[int | None] = [None if n % 7 == 3 else 4 * n for n in range(acknowledged, count)]
            for data in feedback(acknowledged + 1, arrivals):
                tablet.send(tablet.seal_report(data))
            acknowledged = count
            await tablet.check()
        else:
            for size in (0, 1, 11, 12, 13, 27, 28, 200, 1500):
                phone.send(b"\x90" + chance.randbytes(size - 1) if size else b"")
        await phone.check()
    await running.settle()
    legs = forwarder.source_of("tablet").legs
    newest = forwarder.source_of("phone").sources["video"].highest + legs["video", 0].sequence_offset
    report = Report(legs["video", 0].ssrc, 9, 5, newest & 0xFFFFFFFF, 77, 0, 0)
    tablet.send(tablet.seal_report(rtcp.build_receiver_report(1, [report])))
    await tablet.check()
    await running.settle()
    await tapes.close()
    return {
        "tablet": tablet.seen(),
        "journal": journal(journals),
        "feedback": told_arrivals(phone),
        "asked": sorted(asked(phone)),
        "reported": [(r.ssrc, r.highest, r.fraction) for r in reception(phone) if r.jitter == 77],
        "streams": {
            kind: (
                source.received,
                source.octets,
                source.highest,
                source.duplicates,
                source.recovered,
                source.ring.keyframes,
            )
            for kind, source in forwarder.source_of("phone").sources.items()
        },
        "opened": [
            running.endpoint.stats()[name]
            for name in ("srtp_opened", "srtp_replayed", "srtp_auth_failed", "srtp_malformed", "unknown_address")
        ],
    }


async def silence(span_ns: int) -> None:
    end_ns = time.monotonic_ns() + span_ns
    await until(lambda: time.monotonic_ns() > end_ns)


def journal(folder: Path) -> list[object]:
    found: list[object] = []
    for run in read_runs(folder / "call"):
        assert run.bad_blocks == 0
        for stream in run.streams:
            assert list(stream.arrival_ns) == sorted(stream.arrival_ns)
            found.append(
                [bytes(run.data[at : at + size]).hex() for at, size in zip(stream.start, stream.length, strict=True)]
            )
    return found


def blocks(phone: Phone) -> list[rtcp.Block]:
    return [block for data in phone.reports for block in rtcp.blocks(data)]


def told_arrivals(phone: Phone) -> list[int]:
    """The packets that the phone was told of. Who tells, and when, hangs on the clock."""
    found = []
    for block in blocks(phone):
        if (block.kind, block.subtype) == (rtcp.TRANSPORT_FEEDBACK, rtcp.TRANSPORT_WIDE):
            told = twcc.read_feedback(block.data)
            assert told is not None
            found += [(told.base + i) & 0xFFFF for i in range(len(told.times))]
    return found


def asked(phone: Phone) -> set[int]:
    return {
        number
        for block in blocks(phone)
        if (block.kind, block.subtype) == (rtcp.TRANSPORT_FEEDBACK, rtcp.NACK)
        for number in read_nack(block.data)
    }


def reception(phone: Phone) -> list[Report]:
    return [report for block in blocks(phone) if block.kind == rtcp.RECEIVER_REPORT for report in rtcp.reports(block)]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_call_through_the_pump_is_the_call_through_python(seed: int, tmp_path: Path) -> None:
    told: list[Told] = []
    for is_native in (False, True):
        async with call(is_native=is_native) as running:
            told.append(await story(running, seed, tmp_path / str(is_native)))
            if is_native:
                assert running.pumped() > 50
    python, native = told
    for name in python:
        ours, theirs = python[name], native[name]
        if name == "feedback":  # how far it is told until the end hangs on the clock
            assert isinstance(ours, list)
            assert isinstance(theirs, list)
            assert ours
            assert theirs
            ours, theirs = (said[: min(len(ours), len(theirs))] for said in (ours, theirs))
        assert theirs == ours, name
