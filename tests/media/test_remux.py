"""From packets to files: nothing that came is lost, everything is at its time."""

from __future__ import annotations

import asyncio
import itertools
import random
import shutil
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media import journal
from media.remux import FinishedFiles, finish, remux
from tests.media.clips import (
    PAYLOADS_VIDEO,
    WALL_NS,
    Sent,
    Source,
    disturbed,
    encode_audio,
    encode_video,
    person,
    received_whole,
    seconds_of,
    watch,
    write_run,
)

Sources = list[tuple[str, list[Sent], str]]


def made(tmp_path: Path, *runs: tuple[Sources, float]) -> FinishedFiles:
    """Writes each run's journal, begun that many seconds after the first, and remuxes."""
    for number, (sources, after_s) in enumerate(runs):
        write_run(tmp_path / "call-1" / f"{number}.journal", sources, wall_ns=WALL_NS + round(after_s * 1e9))
    done = remux(tmp_path / "call-1", tmp_path / "out")
    assert done is not None
    return done


async def test_every_received_frame_of_both_people_is_in_the_file_and_decodes(tmp_path: Path) -> None:
    write_run(
        tmp_path / "call-1" / "1.journal",
        person("customer", seconds=3) + person("staff", seconds=2, start_s=1.2, ssrc=2000, ntp_offset_s=-100),
        wall_ns=WALL_NS,
    )
    done = await finish(tmp_path / "call-1", tmp_path / "out")
    assert done is not None
    assert done.call_id == "call-1"
    assert done.started_at == pytest.approx(WALL_NS / 1e9, abs=0.05)
    assert done.duration_s == pytest.approx(3.2, abs=0.05)
    assert set(done.files) == {"call", "customer", "staff"}
    seen = watch(done.files["call"])
    assert list(seen.packets.values()) == [75, 150, 50, 100] == [track["frames"] for track in done.tracks]
    assert seen.decoded == seen.packets
    assert [track["frames_dropped"] for track in done.tracks] == [0, 0, 0, 0]
    assert [track["frames_missing"] for track in done.tracks] == [0, 0, 0, 0]


async def test_no_journal_makes_no_files(tmp_path: Path) -> None:
    assert await finish(tmp_path / "nothing", tmp_path / "out") is None
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "1.journal").write_bytes(b"")
    assert await finish(tmp_path / "empty", tmp_path / "out") is None


@pytest.mark.parametrize("codec", ["vp8", "h264"])
@pytest.mark.parametrize("seed", range(3))
def test_reordered_doubled_and_lost_packets_cost_only_the_frames_they_belong_to(
    tmp_path: Path, codec: str, seed: int
) -> None:
    sent = Source(codec, 5, seq=65_400).send(encode_video(codec, 4, bit_rate=1_500_000, width=640, height=480)).sent
    # The first frame must come: without a keyframe nothing after it can be shown.
    kept = sent[:20] + disturbed(sent[20:], seed, loss=0.05, duplicates=0.1, jitter_s=0.12)
    whole = received_whole(sent, kept)
    assert 0 < whole < 100
    done = made(tmp_path, ([("customer", kept, codec)], 0.0))
    assert done.tracks[0]["frames"] == whole
    assert whole + done.tracks[0]["frames_dropped"] + done.tracks[0]["frames_missing"] == pytest.approx(100, abs=3)
    assert watch(done.files["call"]).packets == {0: whole}


@pytest.mark.parametrize("seed", range(4))
def test_sound_and_picture_of_each_person_are_in_step_whatever_their_clocks_say(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    sources: Sources = []
    for number, label in enumerate(("customer", "staff")):
        parts = person(
            label, seconds=4, start_s=chance.random(), ssrc=1000 * (number + 1), ntp_offset_s=chance.uniform(-5000, 5000),
            video_delay_s=chance.uniform(0.05, 0.4), audio_delay_s=chance.uniform(0.01, 0.05),
        )  # fmt: skip
        sources += [(track, disturbed(sent, seed, jitter_s=0.06), codec) for track, sent, codec in parts]
    done = made(tmp_path, (sources, 0.0))
    for name in ("customer", "staff"):
        seen = watch(done.files[name])
        flashes, beeps = seen.flashes[0], seen.beeps[1]
        assert len(flashes) == len(beeps) == 4
        assert max(abs(f - b) for f, b in zip(flashes, beeps, strict=True)) < 0.040


def test_both_people_share_one_clock(tmp_path: Path) -> None:
    """Both flash at the same true moments; their own clocks are an hour apart."""
    sources = person("customer", seconds=3, ntp_offset_s=3600) + person(
        "staff", seconds=3, ssrc=2000, ntp_offset_s=-0.2
    )
    done = made(tmp_path, (sources, 0.0))
    customer, staff = (watch(done.files[name]).flashes[0] for name in ("customer", "staff"))
    assert max(abs(a - b) for a, b in zip(customer, staff, strict=True)) < 0.020


def test_without_sender_reports_the_arrival_keeps_sound_and_picture_together(tmp_path: Path) -> None:
    done = made(tmp_path, (person("customer", seconds=3, report_every=None), 0.0))
    seen = watch(done.files["customer"])
    assert max(abs(f - b) for f, b in zip(seen.flashes[0], seen.beeps[1], strict=True)) < 0.040


def test_sender_reports_that_cannot_be_true_are_ignored(tmp_path: Path) -> None:
    source = Source("vp8", 9).send(encode_video("vp8", 3), report_every=None)
    lies = [Sent(at, Source("vp8", 9, ntp_offset_s=at * 100).report(at), report=True) for at in (0.5, 1.5, 2.5)]
    done = made(tmp_path, ([("customer", source.sent + lies, "vp8")], 0.0))
    assert watch(done.files["call"]).flashes[0] == pytest.approx([0, 1, 2], abs=0.02)
    assert done.duration_s == pytest.approx(3.0, abs=0.1)


def test_a_rejoin_with_new_sources_goes_on_in_the_same_tracks_at_its_time(tmp_path: Path) -> None:
    first = person("customer", seconds=2, ntp_offset_s=50)
    again = person("customer", seconds=2, start_s=7.0, ssrc=4000, ntp_offset_s=-9, width=640, height=480)
    done = made(tmp_path, (first + again, 0.0))
    assert [(t["label"], t["kind"], t["frames"]) for t in done.tracks] == [
        ("customer", "video", 100), ("customer", "audio", 200),
    ]  # fmt: skip
    assert [(size["width"], size["height"]) for size in done.tracks[0]["sizes"]] == [(320, 240), (640, 480)]
    seen = watch(done.files["customer"])
    assert seen.flashes[0] == pytest.approx([0, 1, 7, 8], abs=0.03)
    assert seen.beeps[1] == pytest.approx([0, 1, 7, 8], abs=0.03)
    assert done.duration_s == pytest.approx(9.0, abs=0.1)


def test_a_pause_leaves_a_gap_of_its_real_length(tmp_path: Path) -> None:
    """The source runs on while nothing is kept, long enough for its sequence numbers to jump."""
    video = Source("vp8", 3).send(encode_video("vp8", 9))
    kept = [packet for packet in video.sent if not 2.99 < packet.at_s < 6.99]
    done = made(tmp_path, ([("customer", kept, "vp8")], 0.0))
    times = watch(done.files["call"]).times[0]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert max(gaps) == pytest.approx(4.04, abs=0.05)
    assert done.duration_s == pytest.approx(9.0, abs=0.1)
    assert sum(gap > 0.1 for gap in gaps) == 1


def test_two_runs_of_the_server_become_one_file(tmp_path: Path) -> None:
    before = person("customer", seconds=2) + person("staff", seconds=2, ssrc=2000)
    after = person("customer", seconds=2, ssrc=5000) + person("staff", seconds=2, ssrc=6000)
    done = made(tmp_path, (before, 0.0), (after, 4.5))
    assert [track["frames"] for track in done.tracks] == [100, 200, 100, 200]
    for name in ("customer", "staff"):
        assert watch(done.files[name]).flashes[0] == pytest.approx([0, 1, 4.5, 5.5], abs=0.03)


def test_a_clock_set_by_weeks_between_two_runs_does_not_stretch_the_file(tmp_path: Path) -> None:
    done = made(
        tmp_path, (person("customer", seconds=1), 0.0), (person("customer", seconds=1, ssrc=5000), 20 * 86_400.0)
    )
    assert done.duration_s == pytest.approx(3.0, abs=0.2)


def test_a_hand_over_gives_each_colleague_a_file_and_both_together_one(tmp_path: Path) -> None:
    first = person("staff-anna", seconds=3)
    second = person("staff-bo", seconds=3, start_s=2.4, ssrc=2000)
    done = made(tmp_path, (first + second, 0.0))
    assert set(done.files) == {"call", "staff", "staff-anna", "staff-bo"}
    assert watch(done.files["staff-bo"]).packets[0] == 75
    both = watch(done.files["staff"])
    assert both.flashes[0] == pytest.approx([0, 1, 2, 2.4, 3.4, 4.4], abs=0.03)
    assert both.decoded == both.packets


def test_a_person_without_a_microphone_still_has_a_clock_from_start_to_end(tmp_path: Path) -> None:
    video, _ = person("staff", seconds=1, start_s=2.0, ssrc=2000)
    done = made(tmp_path, ([*person("customer", seconds=4), video], 0.0))
    seen = watch(done.files["staff"])
    assert seen.packets == {0: 25, 1: 200}
    assert seen.times[1][0] == 0
    assert seen.duration_s == pytest.approx(4.0, abs=0.1)
    assert watch(done.files["call"]).packets == {0: 100, 1: 200, 2: 25}


def test_turning_the_phone_during_the_call_is_told_with_its_times(tmp_path: Path) -> None:
    upright = Source("vp8", 3).send(encode_video("vp8", 3), rotation=90)
    upright.send(encode_video("vp8", 1), start_s=3.0, rotation=0)
    done = made(tmp_path, ([("customer", upright.sent, "vp8")], 0.0))
    assert done.tracks[0]["rotation"] == 90
    assert [(t["at_s"], t["degrees"]) for t in done.tracks[0]["rotations"]] == [(0.0, 90), (3.0, 0)]
    assert watch(done.files["call"]).rotation == -90


def test_a_recording_begun_between_keyframes_starts_with_the_next_one(tmp_path: Path) -> None:
    sent = [packet for packet in Source("vp8", 3).send(encode_video("vp8", 3)).sent if packet.frame >= 10]
    done = made(tmp_path, ([("customer", sent, "vp8")], 0.0))
    assert (done.tracks[0]["frames"], done.tracks[0]["frames_unstarted"]) == (50, 15)


def test_finishing_again_replaces_the_files_whole_and_leaves_nothing_else(tmp_path: Path) -> None:
    sources = person("customer", seconds=1)
    first = made(tmp_path, (sources, 0.0))
    size = first.files["call"].stat().st_size
    again = made(tmp_path, (sources, 0.0))
    assert again == first
    assert again.files["call"].stat().st_size == size
    more = made(tmp_path, (sources, 0.0), (person("customer", codec="h264", seconds=1, ssrc=50), 2.0))
    assert more.files["call"].suffix == ".mkv"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"call.mkv", "customer.mkv"}


def test_a_file_can_be_entered_at_any_keyframe(tmp_path: Path) -> None:
    import av

    done = made(tmp_path, (person("customer", seconds=6), 0.0))
    with av.open(str(done.files["customer"])) as file:
        for at in (4.5, 1.5, 5.2):
            file.seek(round(at * 1e6))
            packet = next(p for p in file.demux(video=0) if p.size)
            assert packet.is_keyframe
            assert seconds_of(packet) == pytest.approx(int(at), abs=0.05)


@pytest.fixture(scope="module")
def whole_journal(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "1.journal"
    write_run(path, person("customer", seconds=2), wall_ns=WALL_NS)
    return path.read_bytes()


FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(data=st.data())
def test_a_journal_cut_anywhere_plays_up_to_the_cut(tmp_path: Path, whole_journal: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(whole_journal)))
    folder = tmp_path / "call"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "1.journal").write_bytes(whole_journal[:cut])
    run = journal.read_run(folder / "1.journal")
    heard = sum(len(s.start) for s in run.streams) if run else 0
    done = remux(folder, tmp_path / "out")
    if done is None:
        assert heard < 10
        return
    seen = watch(done.files["call"])
    assert seen.decoded == seen.packets
    assert done.duration_s >= 2.0 * cut / len(whole_journal) - 1.5


@FUZZ
@given(data=st.data())
def test_a_journal_with_flipped_bytes_loses_only_blocks(
    tmp_path: Path, whole_journal: bytes, data: st.DataObject
) -> None:
    altered = bytearray(whole_journal)
    for _ in range(data.draw(st.integers(1, 5))):
        altered[data.draw(st.integers(0, len(altered) - 1))] ^= data.draw(st.integers(1, 255))
    folder = tmp_path / "call"
    folder.mkdir(exist_ok=True)
    (folder / "1.journal").write_bytes(altered)
    remux(folder, tmp_path / "out")


packets = st.one_of(
    st.binary(max_size=60),
    st.builds(
        lambda first, pt, seq, ts, ssrc, body: struct.pack("!BBHII", first, pt, seq, ts, ssrc) + body,
        st.sampled_from([0x80, 0x90, 0xA0, 0xB0, 0x8F]),
        st.sampled_from([96, 102, 111, 96 | 128, 102 | 128, 5]),
        st.integers(0, 65_535),
        st.integers(0, 2**32 - 1),
        st.integers(0, 2),
        st.one_of(
            st.binary(max_size=40),
            st.binary(max_size=20).map(lambda tail: b"\x10\x00\x00\x00\x9d\x01\x2a\x40\x01\xf0\x00" + tail),
            st.binary(max_size=30).map(lambda tail: b"\x78\x00\x08\x67\x42\xe0\x1f\xff\xff\xff\xff" + tail),
            st.binary(max_size=30).map(lambda tail: b"\x65\x88" + tail),
        ),
    ),
)
reports = st.builds(
    lambda ssrc, ntp, ts: struct.pack("!BBHIIIIII", 0x80, 200, 6, ssrc, ntp, 0, ts, 0, 0),
    st.integers(0, 2), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1),
)  # fmt: skip


@FUZZ
@given(
    heard=st.lists(
        st.tuples(
            st.sampled_from([journal.RTP, journal.REPORT, journal.RUN, journal.STREAM, 77]),
            st.integers(0, 3), st.integers(0, 10_000_000_000), st.one_of(packets, reports),
        ),
        max_size=60,
    )
)  # fmt: skip
def test_hostile_packets_never_crash_the_remuxer(tmp_path: Path, heard: list[tuple[int, int, int, bytes]]) -> None:
    video = journal.StreamHeader("customer", "video", PAYLOADS_VIDEO, 4).to_bytes()
    audio = journal.StreamHeader("customer", "audio", {111: ("opus", 48_000, "")}, None).to_bytes()
    body = journal.record(journal.STREAM, 1, 0, video) + journal.record(journal.STREAM, 2, 0, audio)
    body += b"".join(journal.record(*one) for one in heard)
    anchor = journal.record(journal.RUN, 0, 0, b'{"wall_ns": 1790000000000000000, "mono_ns": 5}')
    folder = tmp_path / "call"
    folder.mkdir(exist_ok=True)
    (folder / "1.journal").write_bytes(journal.MAGIC + journal.block(anchor) + journal.block(body))
    done = remux(folder, tmp_path / "out")
    assert done is None or 0 <= done.duration_s < 60


@FUZZ
@given(data=st.binary(max_size=300), head=st.sampled_from([b"", journal.MAGIC, journal.MAGIC + b"LPJB"]))
def test_hostile_files_never_crash_the_reader(tmp_path: Path, data: bytes, head: bytes) -> None:
    (tmp_path / "1.journal").write_bytes(head + data)
    assert journal.read_runs(tmp_path) == []


async def test_cancelling_ends_the_process_that_finishes(tmp_path: Path) -> None:
    sound = Source("opus", 2).send(encode_audio(2))
    write_run(tmp_path / "call" / "1.journal", [("customer", sound.sent, "opus")], wall_ns=WALL_NS)
    task = asyncio.create_task(finish(tmp_path / "call", tmp_path / "out"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").glob("*.webm"))


@pytest.mark.parametrize("codec", ["vp8", "h264", "opus"])
def test_frames_of_which_nothing_came_are_counted_as_missing(tmp_path: Path, codec: str) -> None:
    clip = encode_audio(2) if codec == "opus" else encode_video(codec, 4)
    sent = Source(codec, 5).send(clip).sent
    gone = {10, 11, 12, 30, 77, 78}
    done = made(tmp_path, ([("customer", [p for p in sent if p.report or p.frame not in gone], codec)], 0.0))
    assert (done.tracks[0]["frames"], done.tracks[0]["frames_dropped"]) == (94, 0)
    assert done.tracks[0]["frames_missing"] == 6
