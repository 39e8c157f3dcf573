"""Glass to glass: from the moment at which the phone's camera takes a picture to the moment at which the tablet shows it,
in two real Chromium browsers, through Loupe and directly from browser to browser, in turns."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page
from playwright.async_api import Error as BrowserError

from loadtest import answering, glass_pages, timecode
from loadtest.answering import NoPicture
from loadtest.browser import chromium
from loadtest.bystanders import Bystanders
from loadtest.direct import direct_call
from loadtest.histogram import Histogram, histogram_of
from loadtest.impairment import Impairment
from loadtest.lab import Lab
from loadtest.measures import percentile
from loadtest.people import CustomerPerson, StaffPerson
from loadtest.server_process import LoupeServer

Tell = Callable[[str], None]
MOST_CALLS = 20
TURN_S = 5.0
WARM_S = 3.0  # the full picture begins 0.3 s after the first one, and the estimate of the path grows for a while
LEAST_TURN_S = 2.0
MOST_MS = 10_000.0  # what is older is a misread code, or no conversation
MOST_FAILED_SHARE = 0.1  # of calls; one lost turn need not cost the ten minutes of all
SETTLE_S = 0.3  # what was on its way when a turn ended


@dataclass(slots=True)
class Freezes:
    """As `freezeCount` of W3C's webrtc-stats: a picture that stands for 3 times the mean of the last 30, and for at
    least 150 ms more than that mean."""

    count: int = 0
    total_ms: float = 0.0
    longest_ms: float = 0.0

    def add_turn(self, shown_ms: list[float]) -> None:
        gaps = [later - earlier for earlier, later in pairwise(shown_ms)]
        for at, gap in enumerate(gaps):
            recent = gaps[max(0, at - 30) : at] or [glass_pages.FRAME_MS]
            mean = sum(recent) / len(recent)
            if gap > max(3 * mean, mean + 150):
                self.count += 1
                self.total_ms += gap
                self.longest_ms = max(self.longest_ms, gap)

    def facts(self) -> dict[str, object]:
        return {"count": self.count, "total_ms": round(self.total_ms), "longest_ms": round(self.longest_ms)}


@dataclass(slots=True)
class Way:
    """What one way, Loupe or direct, brought in all its turns."""

    latencies: Histogram = field(default_factory=Histogram)
    freezes: Freezes = field(default_factory=Freezes)
    pictures: int = 0
    unreadable: int = 0
    turns: list[dict[str, float]] = field(default_factory=list)
    sent: list[dict[str, float]] = field(default_factory=list)
    _seconds: dict[int, list[float]] = field(default_factory=dict)

    def add_turn(
        self, pictures: list[tuple[float, float, list[int]]], correction_ms: float, others_cores: float = 0.0
    ) -> None:
        """`pictures`: told, shown (ms of the tablet's page clock), brightnesses; `correction_ms` brings the tablet's
        clock to the phone's; `others_cores` is what processes outside the run used meanwhile."""
        shown_ms, latencies_ms = [], []
        for _, shown, means in pictures:
            shown_ms.append(shown)
            self.pictures += 1
            ticks = timecode.read(means)
            seen = round((shown + correction_ms) * timecode.TICKS_PER_MS) % (1 << timecode.TIME_BITS)
            latency = MOST_MS if ticks is None else timecode.ticks_between(ticks, seen) / timecode.TICKS_PER_MS
            if 0 <= latency < MOST_MS:
                latencies_ms.append(latency)
                self._seconds.setdefault(int(shown // 1000), []).append(latency)
            else:
                self.unreadable += 1
        self.freezes.add_turn(shown_ms)
        turn = histogram_of(latencies_ms)
        self.latencies.merge(turn)
        if turn.count:
            p50, p95 = (round(turn.percentile(share), 1) for share in (0.5, 0.95))
            self.turns.append({"p50": p50, "p95": p95, "others_cores": round(others_cores, 2)})

    def series(self, start_ms: float) -> list[tuple[float, float]]:
        """For plots: (seconds since `start_ms`, median of that second in ms)."""
        first = int(start_ms // 1000)
        return [(float(at - first), round(percentile(seen, 0.5), 1)) for at, seen in sorted(self._seconds.items())]


def calls_within(seconds: float) -> int:
    """How many calls each way a run has: each takes 20 s beside what is measured, so few are made in a short run."""
    return max(1, min(MOST_CALLS, int(seconds // TURN_S)))


class GlassRun:
    """`calls` calls through Loupe and as many direct ones, in turns, `seconds` of pictures each way altogether (at
    least 2 s per call). `facts` may be asked for at any time: they are those of the turns that are complete."""

    def __init__(
        self, seconds: float, impairment: Impairment | None, seed: int, tell: Tell, calls: int | None = None
    ) -> None:
        self.calls = calls or calls_within(seconds)
        self.turn_s = max(LEAST_TURN_S, seconds / self.calls)
        self._impairment, self._seed, self._tell = impairment, seed, tell
        self._script = glass_pages.script(seed)
        self._loupe, self._direct = Way(), Way()
        self._first, self._first_phone = Histogram(), Histogram()
        self._failures: list[str] = []
        self._start_ms = time.time() * 1000

    @property
    def expected_s(self) -> float:
        """About how long `run` takes on an idle machine."""
        return 10 + self.calls * (20 + 2 * self.turn_s)

    async def run(self) -> None:
        """Raises NoPicture; NotStarted when there is no server."""
        impairment = self._impairment
        self._tell("The load goes to a server of its own, on this machine, and two browsers.")
        async with AsyncExitStack() as stack:
            tablets = await stack.enter_async_context(chromium())
            phones = await stack.enter_async_context(chromium())
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="loupe-glass-"))
            lab = None
            if impairment is not None:
                lab = await stack.enter_async_context(Lab(0, impairment, seed=self._seed))
            server = LoupeServer(Path(folder) / "data", advertise_port=lab.port if lab else None)
            if lab is not None:
                lab.target_port = server.media_port
            await stack.enter_async_context(server)
            for number in range(1, self.calls + 1):
                for way in ("Loupe", "direct") if number % 2 else ("direct", "Loupe"):
                    self._tell(f"glass to glass, call {number} of {self.calls}, {way}")
                    try:
                        if way == "Loupe":
                            await self._turn_through_loupe(phones, tablets, server)
                        else:
                            await self._direct_turn(phones, tablets, number)
                    except (BrowserError, AssertionError, ValueError) as fault:
                        self._failures.append(f"call {number} of {self.calls}, {way}: {str(fault).strip()}")
                        if len(self._failures) > self.calls * MOST_FAILED_SHARE:
                            raise NoPicture(self._failures[-1]) from fault

    async def _turn_through_loupe(self, phones: Browser, tablets: Browser, server: LoupeServer) -> None:
        tablet_ms, phone_ms = await _through_loupe(phones, tablets, server, self._script, self.turn_s, self._loupe)
        self._first.record(tablet_ms)
        self._first_phone.record(phone_ms)

    async def _direct_turn(self, phones: Browser, tablets: Browser, number: int) -> None:
        seed = self._seed + 2 * number  # each call has two networks
        async with direct_call(phones, tablets, impairment=self._impairment, seed=seed, script=self._script) as pages:
            await _measure(*pages, self.turn_s, self._direct)

    def facts(self) -> dict[str, object]:
        told = facts(self._loupe, self._direct, self._first, self._first_phone)
        told["series"] = {
            "Loupe, ms": self._loupe.series(self._start_ms),
            "direct, ms": self._direct.series(self._start_ms),
        }
        told["calls_failed"] = len(self._failures)
        told["notes"] = [f"A call did not come about: {failure.splitlines()[0]}." for failure in self._failures]
        return told

    def live(self) -> list[tuple[str, str]]:
        """For the terminal while it runs."""
        return [
            (f"{name}, ms (p50 / p95)", f"{way.latencies.percentile(0.5):.0f} / {way.latencies.percentile(0.95):.0f}")
            for name, way in (("Loupe", self._loupe), ("direct", self._direct))
            if way.latencies.count
        ]


async def _through_loupe(
    phones: Browser, tablets: Browser, server: LoupeServer, script: str, turn_s: float, way: Way
) -> tuple[float, float]:
    """Milliseconds from the tap on "Answer" to the first picture on the tablet, and on the phone."""
    staff = await StaffPerson.come_in(tablets, server, script=script)
    customer: CustomerPerson | None = None
    try:
        await _be_available(staff)
        customer = await CustomerPerson.arrive(phones, server, script=script)
        await customer.join("Ana")
        await customer.wait_in_line()
        for page in (staff.page, customer.page):
            await page.wait_for_function(answering.CONNECTED, polling=answering.LOOK_EVERY_MS)
        await asyncio.sleep(answering.REACTION_S)
        await customer.page.evaluate(answering.ARM)
        await staff.answer("Ana")
        for page in (staff.page, customer.page):
            await page.wait_for_function(
                answering.HAS_PICTURE, timeout=answering.PICTURE_DEADLINE_MS, polling=answering.LOOK_EVERY_MS
            )
        tapped = await staff.page.evaluate(answering.ANSWERED)
        tablet_ms = float(await staff.page.evaluate(answering.SEEN)) - tapped
        phone_ms = float(await customer.page.evaluate(answering.SEEN)) - tapped
        await _measure(customer.page, staff.page, turn_s, way)
        await staff.button("Hang up")
        await staff.button("Back to the desk")
    finally:
        if customer is not None:
            await customer.context.close()
        await staff.context.close()
    return tablet_ms, phone_ms


async def _be_available(staff: StaffPerson) -> None:
    """A page that learns that it was available already, just when it is tapped, is switched off by the tap."""
    try:
        await staff.be_available()
    except AssertionError:
        await staff.be_available()


async def _measure(phone: Page, tablet: Page, turn_s: float, way: Way) -> None:
    await asyncio.sleep(WARM_S)
    before = await _correction_ms(phone, tablet)
    await asyncio.sleep(SETTLE_S)
    await tablet.evaluate(glass_pages.BEGIN)
    sent = await phone.evaluate(glass_pages.SENT)
    bystanders = Bystanders()
    await asyncio.sleep(turn_s)
    others_cores = bystanders.cores()
    sent_since = await phone.evaluate(glass_pages.SENT)
    read: dict[str, Any] = await tablet.evaluate(glass_pages.END)
    after = await _correction_ms(phone, tablet)
    way.add_turn(read["pictures"], (before + after) / 2, others_cores)
    way.sent.append(sending(sent, sent_since))


def sending(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """What the phone sent between two looks at its encoder."""
    seconds = (after["at"] - before["at"]) / 1000
    frames = after["frames"] - before["frames"]
    return {
        "kbps": round((after["bytes"] - before["bytes"]) * 8 / 1000 / seconds),
        "frames_per_s": round(frames / seconds, 1),
        "encode_ms": round(1000 * (after["encoding_s"] - before["encoding_s"]) / max(1, frames), 1),
        "estimate_kbps": round(after["estimate_bps"] / 1000),
    }


async def _correction_ms(phone: Page, tablet: Page) -> float:
    """What to add to the tablet's page clock to get the phone's: each is held against the wall clock of the machine."""
    return float(await tablet.evaluate(glass_pages.CLOCK_OFFSET)) - float(
        await phone.evaluate(glass_pages.CLOCK_OFFSET)
    )


def facts(loupe: Way, direct: Way, first: Histogram, first_phone: Histogram) -> dict[str, object]:
    """Under the JSON keys of `python -m loadtest glass`."""
    through, straight = loupe.latencies.facts(), direct.latencies.facts()
    above: dict[str, float | None] = {"p50": None, "p95": None}
    if loupe.latencies.count and direct.latencies.count:
        above = {
            name: round(loupe.latencies.percentile(share) - direct.latencies.percentile(share), 2)
            for name, share in (("p50", 0.5), ("p95", 0.95))
        }
    return {
        "glass": {
            "loupe_ms": through,
            "direct_ms": straight,
            "above_direct_ms": above,
            "freezes": {"loupe": loupe.freezes.facts(), "direct": direct.freezes.facts()},
            "frames": {"loupe": loupe.pictures, "direct": direct.pictures},
            "unreadable_frames": loupe.unreadable + direct.unreadable,
            "turns": {"loupe": loupe.turns, "direct": direct.turns},
            "sent": {"loupe": loupe.sent, "direct": direct.sent},
        },
        "first_picture_ms": first.facts(),
        "first_frame_ms": first.facts(),  # as other commands call it
        "first_picture_phone_ms": first_phone.facts(),
    }
