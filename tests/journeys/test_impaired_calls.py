"""Calls of light clients through the network lab: what a bad network may cost, and what not."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import pytest

from loadtest.clients import Client
from loadtest.clip import make_clip
from loadtest.front_door import Visitor
from loadtest.impairment import Impairment
from loadtest.lab import Lab
from loadtest.server_process import LoupeServer
from tests.support.news import Frame, News
from tests.support.rtc_heard import until

pytestmark = [pytest.mark.journey, pytest.mark.alone, pytest.mark.timeout(90)]
clip = cache(make_clip)


@asynccontextmanager
async def call_through(
    lab: Lab, folder: Path
) -> AsyncIterator[tuple[Visitor, Visitor, Callable[[], Awaitable[Frame]]]]:
    """A customer and a member of staff in a call that has been live for a second; its recording once staff have hung up."""
    server = LoupeServer(folder / "data", advertise_port=lab.port)
    lab.target_port = server.media_port
    async with server, Visitor(server.base, clip(2.0)) as customer, Visitor(server.base, clip(2.0)) as staff:
        news = News(staff)
        await staff.sign_in(server.facts["username"], server.facts["password"])
        await customer.enter("demo")
        call_id = await customer.join("Ana", consent=True)
        await staff.answer(call_id)
        for visitor in (customer, staff):
            visitor.client.start()
        await until(lambda: all(len(v.client.watch.shown) > 25 for v in (customer, staff)))

        async def recording() -> Frame:
            await staff.hang_up()
            return await news.recording(call_id)

        yield customer, staff, recording
        for visitor in (customer, staff):
            assert visitor.client.fault() is None


async def frames_sent(count: int, *clients: Client) -> None:
    """Waits until each has sent so many more (25 a second, and 50 packets of sound)."""
    begun = {client: len(client.sent_frames) for client in clients}
    await until(lambda: all(len(client.sent_frames) >= begun[client] + count for client in clients), deadline_s=30)


def longest_gap_s(client: Client, since: int) -> float:
    times = [at_ns for _, at_ns in client.watch.shown[since:]]
    return max(after - before for before, after in itertools.pairwise(times)) / 1e9


async def test_with_burst_loss_delay_and_jitter_picture_and_sound_go_on_and_the_recording_is_whole(
    tmp_path: Path,
) -> None:
    async with Lab(seed=7) as lab, call_through(lab, tmp_path) as (customer, staff, recording):
        people = (customer.client, staff.client)
        lab.impairment = Impairment.parse("loss=5,burst=3,delay=40,jitter=10")
        begun = [(len(client.watch.shown), client.sound.received) for client in people]
        await frames_sent(200, *people)
        for client, (shown, heard) in zip(people, begun, strict=True):
            assert len(client.watch.shown) - shown > 0.8 * 200
            assert longest_gap_s(client, shown) < 1.5
            assert client.sound.received - heard > 0.8 * 400  # two ways lose 10 %, and sound is not sent again
        assert lab.counts.lost > 100
        lab.impairment = Impairment()
        await frames_sent(25, *people)  # what was lost last is mended before the call ends
        for track in (await recording())["tracks"]:
            if track["kind"] == "video":
                sent = track["frames"] + track["frames_dropped"] + track["frames_missing"]
                assert track["frames"] >= 0.99 * sent, json.dumps(track)


async def test_a_call_goes_on_through_handovers_and_its_recording_stays_one(tmp_path: Path) -> None:
    async with Lab(seed=7) as lab, call_through(lab, tmp_path) as (customer, staff, recording):
        people = (customer.client, staff.client)
        lab.impairment = Impairment.parse("delay=20,handover=3,dark=300")
        begun = [len(client.watch.shown) for client in people]
        await frames_sent(170, *people)
        assert lab.counts.handovers >= 4
        lab.impairment = Impairment()
        await frames_sent(60, *people)
        for client, shown in zip(people, begun, strict=True):
            assert longest_gap_s(client, shown) < 3.5  # checks come every 2.5 s, and tell the server the new address
        tracks = (await recording())["tracks"]
        assert [(track["label"], track["kind"]) for track in tracks] == list(
            itertools.product(("customer", "staff"), ("video", "audio"))
        )
