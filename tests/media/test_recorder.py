"""The tap never waits, and what it was given survives."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import sys
import threading
import time
from pathlib import Path

import pytest

from media import journal
from media.child import child_environment, end_child
from media.errors import MediaFault
from media.held import MOST_RECORDS, HeldList
from media.recorder import Recorder
from media.remux import remux
from tests.media.clips import PAYLOADS_VIDEO, Source, encode_audio, encode_video, open_stream, tape, watch
from tests.support.rtc_heard import until


def heard(folder: Path) -> int:
    return sum(len(stream.start) for run in journal.read_runs(folder) for stream in run.streams)


def test_what_was_taped_is_read_back_byte_by_byte(tmp_path: Path) -> None:
    sent = Source("vp8", 4).send(encode_video("vp8", 1)).sent
    tap = Recorder(tmp_path / "deep" / "call-1")
    tap.open()
    stream = tap.stream("customer", "video", PAYLOADS_VIDEO, 4)
    origin = time.monotonic_ns()
    tape(stream, sent, origin)
    tap.close()
    (run,) = journal.read_runs(tmp_path / "deep" / "call-1")
    (kept,) = run.streams
    assert kept.header == journal.StreamHeader("customer", "video", PAYLOADS_VIDEO, 4)
    read = [bytes(run.data[at : at + size]) for at, size in zip(kept.start, kept.length, strict=True)]
    assert read == [packet.data for packet in sent if not packet.report]
    assert kept.arrival_ns[0] == origin
    assert [data for _, data in kept.reports] == [packet.data for packet in sent if packet.report]
    assert tap.dropped_packets == tap.write_faults == 0


def test_a_recording_from_the_tap_becomes_a_playable_file(tmp_path: Path) -> None:
    tap = Recorder(tmp_path / "call-1")
    tap.open()
    origin = time.monotonic_ns()
    tape(open_stream(tap, "customer", "vp8"), Source("vp8", 4).send(encode_video("vp8", 2)).sent, origin)
    tape(open_stream(tap, "customer", "opus"), Source("opus", 5).send(encode_audio(2)).sent, origin)
    tap.close()
    done = remux(tmp_path / "call-1", tmp_path / "out")
    assert done is not None
    assert done.started_at == pytest.approx(time.time(), abs=10)
    seen = watch(done.files["call"])
    assert seen.packets == seen.decoded == {0: 50, 1: 100}


async def test_closing_ends_the_threads_and_the_descriptor_and_may_be_done_twice(tmp_path: Path) -> None:
    threads, descriptors = threading.active_count(), len(os.listdir("/proc/self/fd"))
    taps = [Recorder(tmp_path / str(number)) for number in range(10)]
    for tap in taps:
        tap.open()
        tap.stream("customer", "audio", {}, None).rtp(b"late", 1)
        tap.flush()
    for tap in taps:
        tap.close()
        tap.close()
    await until(lambda: threading.active_count() == threads)
    assert len(os.listdir("/proc/self/fd")) == descriptors
    late = taps[0].stream("customer", "audio", {}, None)
    late.rtp(b"after the end", 2)


def test_a_folder_that_cannot_be_made_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MediaFault, match="cannot be written"):
        Recorder(tmp_path / "file" / "call").open()


def test_a_disk_that_refuses_costs_packets_but_no_crash_and_no_torn_block(tmp_path: Path) -> None:
    tap = Recorder(tmp_path)
    tap.open()
    good = tap._fd
    stream = tap.stream("customer", "audio", {}, None)
    stream.rtp(b"first", 1)
    tap._write_held()
    full = os.open("/dev/full", os.O_WRONLY)
    tap._fd = full
    stream.rtp(b"lost", 2)
    tap._write_held()
    tap._fd = good
    os.close(full)
    stream.rtp(b"second", 3)
    tap.close()
    assert tap.dropped_packets == 1
    assert tap.write_faults >= 1
    assert heard(tmp_path) == 2


def test_memory_is_bounded_while_the_disk_stands_still(tmp_path: Path) -> None:
    waiting = HeldList()
    tap = Recorder(tmp_path, waiting)  # never opened: nothing is taken away
    stream = tap.stream("customer", "audio", {}, None)
    for number in range(MOST_RECORDS + 10):
        stream.rtp(b"x", number)
    assert tap.dropped_packets == 11
    assert sum(iter(lambda: waiting.take()[1], 0)) == MOST_RECORDS


def test_keeping_a_packet_costs_the_packet_path_about_a_microsecond(tmp_path: Path) -> None:
    tap = Recorder(tmp_path)
    stream = tap.stream("customer", "audio", {}, None)
    packet, best = os.urandom(1100), 1.0
    for _ in range(5):
        began = time.perf_counter()
        for number in range(5000):
            stream.rtp(packet, number)
        best = min(best, (time.perf_counter() - began) / 5000)
    assert best < 5e-6


CHILD = """
import sys, time
from pathlib import Path
from media.recorder import Recorder
from tests.media.clips import Source, encode_audio, open_stream
tap = Recorder(Path(sys.argv[1]))
tap.open()
stream = open_stream(tap, "customer", "opus")
waiting = Source("opus", 5).send(encode_audio(5), report_every=None).sent
for line in sys.stdin:
    for packet in waiting[: int(line)]:
        stream.rtp(packet.data, time.monotonic_ns())
    del waiting[: int(line)]
    print(time.monotonic(), flush=True)
"""
BATCH, BATCHES = 10, 6  # packets of 20 ms


async def test_a_killed_process_loses_at_most_the_last_second_and_the_next_run_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "call-1"
    waits_s = []
    for _ in range(2):
        before = heard(folder) if folder.exists() else 0
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CHILD, str(folder),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=child_environment(),
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(30):
                for batch in range(1, BATCHES + 1):
                    process.stdin.write(b"%d\n" % BATCH)
                    appended_at = float(await process.stdout.readline())
                    await until(lambda: heard(folder) >= before + batch * BATCH)  # noqa: B023 - waited for at once
                    waits_s.append(time.monotonic() - appended_at)
                process.stdin.write(b"%d\n" % BATCH)
                await process.stdout.readline()
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
        finally:
            await end_child(process)
    assert statistics.median(waits_s) < 1.0
    done = remux(folder, tmp_path / "out")
    assert done is not None
    assert 2 * BATCHES * BATCH <= done.tracks[0]["frames"] <= 2 * (BATCHES + 1) * BATCH
    assert done.duration_s > 2 * BATCHES * BATCH * 0.02
    seen = watch(done.files["call"])
    assert seen.decoded == seen.packets
