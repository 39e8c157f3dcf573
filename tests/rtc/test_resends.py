"""Lost packets: answered from the cache, asked for upstream, and never sent with other bytes."""

from __future__ import annotations

import random

from rtc import nack, rtp
from rtc.forwarder import Forwarder
from tests.rtc.synthetic import MS, NACK, Browser, in_order, packet


def test_a_nack_is_answered_from_the_cache_by_rtx(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.frame(0, key=True, packets=6)
    got = tablet.port.of(tablet.leg("video"))
    lost = [got[1], got[4]]
    tablet.say(nack.build_nack(1, tablet.leg("video"), [sent.sequence for sent in lost]), 20 * MS)
    again = tablet.port.of(tablet.leg("video") + 1)
    assert [sent.payload for sent in again] == [s.sequence.to_bytes(2, "big") + s.payload for s in lost]
    assert [sent.pt for sent in again] == [97, 97]
    assert in_order(again)
    tablet.say(nack.build_nack(1, tablet.leg("video"), [lost[0].sequence]), 40 * MS)
    assert in_order(tablet.port.of(tablet.leg("video") + 1))
    assert NACK not in phone.port.kinds()


def test_a_sink_without_rtx_gets_the_very_same_bytes_again(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2, rtx_pt=None)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.frame(0, key=True, packets=6)
    got = tablet.port.of(tablet.leg("video"))
    tablet.say(nack.build_nack(1, tablet.leg("video"), [got[2].sequence]), 20 * MS)
    assert tablet.port.rtp[-1] == got[2]
    assert len(tablet.port.rtp) == 7


def test_nothing_is_ever_sent_with_other_bytes_under_the_same_number(forwarder: Forwarder) -> None:
    dice = random.Random(4)
    phone, other, tablet = Browser(forwarder, 1), Browser(forwarder, 3), Browser(forwarder, 2)
    bare = Browser(forwarder, 4, rtx_pt=None)
    now = 0
    for _ in range(400):
        now += 50 * MS
        for sender in (phone, other):
            lost = tuple(place for place in range(3) if dice.random() < 0.1)
            made = sender.frame(now, key=dice.random() < 0.1, lose=lost)
            for place in lost:
                if dice.random() < 0.8:
                    sender.resend(made[place], now + 10 * MS)
        shown = dice.choice([phone.id, other.id, None])
        if dice.random() < 0.2:
            routes = [(sink.id, 0, shown) for sink in (tablet, bare) if shown]
            forwarder.set_routes("call", routes, now)
        for sink in (tablet, bare):
            sent = sink.port.of(sink.leg("video"))[-20:]
            wanted = [s.sequence for s in sent if dice.random() < 0.3]
            if wanted:
                sink.say(nack.build_nack(1, sink.leg("video"), wanted), now + 20 * MS)
        forwarder.tick(now)
    for sink in (tablet, bare):
        seen: dict[tuple[int, int], bytes] = {}
        assert len(sink.port.rtp) > 1000
        for each in sink.port.rtp:
            assert seen.setdefault((each.ssrc, each.sequence), each.data) == each.data


def test_a_lost_packet_is_asked_for_until_it_comes_then_forwarded_and_tapped_once(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    heard: list[bytes] = []
    forwarder.set_tap(phone.id, lambda data, at, is_video: heard.append(data) if is_video else None)
    made = phone.frame(0, key=True, packets=5, lose=(2,))
    asked = [p for p in phone.port.rtcp if (p[1], p[0] & 31) == NACK]
    assert len(asked) == 1
    assert nack.read_nack(asked[0]) == [int.from_bytes(made[2][2:4], "big")]
    for now in range(50, 500, 50):
        forwarder.tick(now * MS)
    assert 3 <= phone.port.kinds().count(NACK) <= 6
    phone.resend(made[2], 500 * MS)
    phone.resend(made[2], 510 * MS)
    phone.give(made[2], 520 * MS)
    count = phone.port.kinds().count(NACK)
    for now in range(550, 2000, 50):
        forwarder.tick(now * MS)
    assert phone.port.kinds().count(NACK) == count
    got = tablet.port.of(tablet.leg("video"))
    assert sorted(s.sequence for s in got) == sorted({s.sequence for s in got})
    assert len(got) == 5
    assert in_order(sorted(got, key=lambda s: (s.sequence - got[0].sequence) & 0xFFFF))
    plain = [data[:12] + data[rtp.read_layout(data).header_bytes :] for data in heard]  # type: ignore[union-attr]
    wanted = [data[:12] + data[rtp.read_layout(data).header_bytes :] for data in made]  # type: ignore[union-attr]
    assert sorted(plain) == sorted(wanted)
    assert forwarder.stats()["recovered"] == 1


def test_lost_sound_is_asked_for_and_comes_back_as_itself(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.sound(0)
    phone.audio_sequence += 1
    phone.audio_stamp += 960
    phone.sound(40 * MS)
    assert phone.port.kinds() == [NACK]
    late = packet(111, phone.audio_sequence - 1, phone.audio_stamp - 960, phone.audio, b"late")
    phone.give(late, 60 * MS)
    got = tablet.port.of(tablet.leg("audio"))
    assert [s.payload for s in got] == [b"opus", b"opus", b"late"]
    assert in_order(sorted(got, key=lambda s: (s.sequence - got[0].sequence) & 0xFFFF))
