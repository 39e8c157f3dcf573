"""Keyframes: replayed to who comes late, asked for in time and not too often, the first thing that a new picture shows."""

from __future__ import annotations

import itertools

from rtc import rtcp, rtp
from rtc.forwarder import Forwarder
from tests.rtc.synthetic import MS, PLI, Browser, both, in_order, is_key


def test_a_late_joiner_starts_with_the_last_keyframe_and_a_fresh_one_is_asked_for_soon(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    made: list[bytes] = []
    for n in range(10):
        frame = phone.frame(n * 50 * MS, key=n in (0, 4))
        made = frame if n == 4 else made + frame
    assert tablet.port.rtp == []
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 500 * MS)
    got = tablet.port.of(tablet.leg("video"))
    assert [sent.payload for sent in got] == [p[rtp.read_layout(p).header_bytes :] for p in made]  # type: ignore[union-attr]
    assert is_key(got[0])
    assert in_order(got)
    phone.frame(550 * MS)
    assert in_order(tablet.port.of(tablet.leg("video")))
    forwarder.tick(850 * MS)
    assert phone.port.kinds() == []
    forwarder.tick(900 * MS)
    assert phone.port.kinds() == [PLI]


def test_a_sink_that_cannot_use_the_replay_gets_a_fresh_keyframe_at_once(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    phone.frame(0, key=True)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 10 * MS)
    tablet.say(rtcp.build_pli(1, tablet.leg("video")), 30 * MS)
    assert phone.port.kinds() == [PLI]


def test_replayed_frames_are_told_as_just_taken_and_live_ones_keep_their_rhythm(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    for n in range(10):
        phone.frame(n * 50 * MS, key=n == 0)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 500 * MS)
    phone.frame(500 * MS)
    stamps = list(dict.fromkeys(sent.stamp for sent in tablet.port.of(tablet.leg("video"))))
    steps = [(b - a) & 0xFFFFFFFF for a, b in itertools.pairwise(stamps)]
    assert steps == [90] * 9 + [4500]


def test_without_a_keyframe_nothing_is_shown_until_one_comes(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    phone.frame(0)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.frame(50 * MS)
    assert tablet.port.of(tablet.leg("video")) == []
    phone.frame(100 * MS, key=True)
    phone.frame(150 * MS)
    got = tablet.port.of(tablet.leg("video"))
    assert is_key(got[0])
    assert len(got) == 6


def test_a_keyframe_whose_first_packet_was_lost_opens_the_picture_when_it_is_recovered(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    phone.frame(0)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    made = phone.frame(50 * MS, key=True, lose=(0,))
    phone.frame(100 * MS)
    assert tablet.port.of(tablet.leg("video")) == []
    phone.resend(made[0], 110 * MS)
    got = tablet.port.of(tablet.leg("video"))
    assert is_key(got[0])
    assert in_order(got)
    assert len(got) == 6


def test_a_keyframe_request_is_repeated_until_one_comes_and_a_storm_is_throttled(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    phone.frame(0, key=True)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 10 * MS)
    for n in range(100):
        tablet.say(rtcp.build_pli(1, tablet.leg("video")), (20 + n) * MS)
    assert phone.port.kinds().count(PLI) == 1
    for now in range(150, 2000, 50):
        forwarder.tick(now * MS)
    assert 3 <= phone.port.kinds().count(PLI) <= 4
    phone.frame(2000 * MS, key=True)
    before = phone.port.kinds().count(PLI)
    for now in range(2000, 4000, 50):
        forwarder.tick(now * MS)
    assert phone.port.kinds().count(PLI) == before


def test_an_idle_source_is_kept_fresh_so_that_a_replay_is_short(forwarder: Forwarder) -> None:
    phone = Browser(forwarder, 1)
    for now in range(0, 10_000, 50):
        phone.frame(now * MS, key=now == 0 or phone.port.kinds().count(PLI) > forwarder.stats()["keyframes"] - 1)
        forwarder.tick(now * MS)
    assert 14 <= forwarder.stats()["keyframes"] <= 17


def test_the_packets_since_the_last_keyframe_are_given_for_a_picture(forwarder: Forwarder) -> None:
    phone = Browser(forwarder, 1)
    assert forwarder.gop(phone.id) is None
    phone.frame(0)
    assert forwarder.gop(phone.id) is None
    wanted = phone.frame(50 * MS, key=True) + phone.frame(100 * MS)
    assert forwarder.gop(phone.id) == ("VP8", wanted)


def test_a_hand_over_keeps_ssrc_and_sequence_and_starts_with_a_keyframe(forwarder: Forwarder) -> None:
    phone, first, second = (Browser(forwarder, n) for n in (1, 2, 3))
    forwarder.set_routes("call", both(phone, first), 0)
    for n in range(6):
        first.frame(n * 50 * MS, key=n == 0)
        second.frame(n * 50 * MS, key=n == 2)
    before = len(phone.port.of(phone.leg("video")))
    forwarder.set_routes("call", both(phone, second), 300 * MS)
    second.frame(300 * MS)
    got = phone.port.of(phone.leg("video"))
    assert is_key(got[before])
    assert len(got) == before + 15
    assert in_order(got)
    stamps = [sent.stamp for sent in got]
    assert all((b - a) & 0xFFFFFFFF < 90_000 for a, b in itertools.pairwise(stamps))


def test_a_new_ssrc_of_the_same_camera_goes_on_in_the_same_leg(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.frame(0, key=True)
    phone.frame(50 * MS)
    phone.video, phone.video_sequence, phone.video_stamp = 4242, 17, 99
    phone.frame(60 * MS)
    assert forwarder.stats()["unknown_ssrc"] == 3  # the present stream still speaks
    phone.frame(400 * MS)
    phone.frame(450 * MS, key=True)
    got = tablet.port.of(tablet.leg("video"))
    assert len(got) == 9
    assert in_order(got)
    assert is_key(got[6])
