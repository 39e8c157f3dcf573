"""What forwarding costs: the server's CPU per forwarded packet and the time a packet spends on its way, Loupe beside
stock aiortc `MediaRelay`, with the same clients and the same clip, in turns."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from loadtest.clients import Client
from loadtest.clip import Clip, make_clip
from loadtest.front_door import Visitor
from loadtest.measures import cpu_seconds, percentile, transits_ms, with_children
from loadtest.server_process import LoupeServer, NotStarted

STAFF = ("lin", "li", "zhao")  # of the demonstration shop; each can be in one call
MOST_CALLS = len(STAFF)
FLOWING_DEADLINE_S = 30.0
SETTLE_S = 2.0  # first keyframes and congestion control
READY_DEADLINE_S = 20.0


class NothingFlows(RuntimeError):
    """Packets did not arrive, so there is nothing to measure."""


@dataclass(slots=True)
class Measured:
    """One server, summed over its turns. Times in seconds, transits in ms: a video frame's last packet, from the send
    call of one client to the receive call of the other."""

    name: str
    calls: int
    seconds: float = 0.0
    packets: int = 0
    sent: int = 0
    server_cpu_s: float = 0.0
    client_cpu_s: float = 0.0
    transits: list[float] = field(default_factory=list)
    turns_us: list[float] = field(default_factory=list)

    @property
    def us_per_packet(self) -> float:
        return self.server_cpu_s / self.packets * 1e6

    @property
    def server_cores(self) -> float:
        return self.server_cpu_s / self.seconds

    @property
    def client_cores(self) -> float:
        return self.client_cpu_s / self.seconds

    def facts(self) -> dict[str, object]:
        return {
            "name": self.name,
            "calls": self.calls,
            "seconds": round(self.seconds, 2),
            "packets_per_s": round(self.packets / self.seconds, 1),
            "delivered": round(self.packets / self.sent, 4),
            "cpu_us_per_packet": round(self.us_per_packet, 2),
            "cpu_us_per_packet_of_each_turn": [round(value, 2) for value in self.turns_us],
            "server_cores": round(self.server_cores, 4),
            "client_cores": round(self.client_cores, 4),
            "transit_ms": {
                "frames": len(self.transits),
                **{f"p{share}": round(percentile(self.transits, share / 100), 2) for share in (50, 95, 99)},
                "max": round(max(self.transits, default=float("nan")), 2),
            },
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """Connected calls: who sends to whom, and the server's process."""

    pairs: list[tuple[Client, Client]]
    pid: int

    @property
    def clients(self) -> list[Client]:
        return [client for pair in self.pairs for client in pair]


Tell = Callable[[str], None]
Opening = Callable[[Clip, int], AbstractAsyncContextManager[Standing]]


@asynccontextmanager
async def loupe_calls(clip: Clip, calls: int, *, recorded: bool) -> AsyncIterator[Standing]:
    """Customers and staff through Loupe's front door, each pair in a live call."""
    async with AsyncExitStack() as open_things:
        folder = open_things.enter_context(tempfile.TemporaryDirectory(prefix="loupe-bench-"))
        server = await open_things.enter_async_context(LoupeServer(Path(folder) / "data"))
        assert server.process is not None
        pairs = []
        for number, username in enumerate(STAFF[:calls], start=1):
            staff = await open_things.enter_async_context(Visitor(server.base, clip))
            await staff.sign_in(username, server.facts["password"])
            customer = await open_things.enter_async_context(Visitor(server.base, clip))
            await customer.enter("demo")
            await staff.answer(await customer.join(f"Customer {number}", consent=recorded))
            pairs.append((customer.client, staff.client))
        yield Standing(pairs, server.process.pid)


@asynccontextmanager
async def stock_calls(clip: Clip, calls: int) -> AsyncIterator[Standing]:
    """The same clients through stock aiortc."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest.stock",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with AsyncExitStack() as open_things:
            async with asyncio.timeout(READY_DEADLINE_S):
                line = await process.stdout.readline()
            if not line:
                raise NotStarted("the stock aiortc server ended at once: try `python -m loadtest.stock`")
            http = await open_things.enter_async_context(
                aiohttp.ClientSession(f"http://127.0.0.1:{json.loads(line)['port']}")
            )
            pairs = []
            for _ in range(calls):
                pair = [await open_things.enter_async_context(Client(clip)) for _ in range(2)]
                async with http.post("/pair", json={"offers": [client.offer() for client in pair]}) as said:
                    answers = (await said.json())["answers"]
                await asyncio.gather(*(client.connect(sdp) for client, sdp in zip(pair, answers, strict=True)))
                pairs.append((pair[0], pair[1]))
            yield Standing(pairs, process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(5):
                    await process.wait()
            except TimeoutError:  # decoder threads that do not end
                process.kill()
                await process.wait()


async def measure(standing: Standing, into: Measured, seconds: float) -> None:
    """Lets the calls flow for `seconds` and adds what they cost. Raises NothingFlows."""
    clients = standing.clients
    for client in clients:
        client.start()
    await _flowing(clients)
    await asyncio.sleep(min(SETTLE_S, seconds))
    gc.collect()
    for client in clients:
        client.arrived_frames.clear()
    received, sent = sum(c.received for c in clients), sum(c.sent for c in clients)
    family = with_children(standing.pid)
    server_s, own_s, start = cpu_seconds(family), time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    spent_s, own_spent_s = cpu_seconds(family) - server_s, time.process_time() - own_s
    elapsed = time.monotonic() - start
    packets = sum(c.received for c in clients) - received
    for client in clients:
        if fault := client.fault():
            raise NothingFlows(f"{into.name}: a client failed: {fault!r}") from fault
    if packets <= 0:
        raise NothingFlows(f"{into.name}: no packet came through within {elapsed:.0f} s")
    into.seconds += elapsed
    into.packets += packets
    into.sent += sum(c.sent for c in clients) - sent
    into.server_cpu_s += spent_s
    into.client_cpu_s += own_spent_s
    into.turns_us.append(spent_s / packets * 1e6)
    for one, other in standing.pairs:
        for source, sink in ((one, other), (other, one)):
            transits = transits_ms(source.sent_frames, sink.arrived_frames)
            if not transits:
                raise NothingFlows(f"{into.name}: the frames that arrived are not those that were sent")
            into.transits += transits


async def _flowing(clients: list[Client]) -> None:
    try:
        async with asyncio.timeout(FLOWING_DEADLINE_S):
            for client in clients:
                await client.has_picture.wait()
                await client.has_sound.wait()
    except TimeoutError:
        deaf = sum(not (c.has_picture.is_set() and c.has_sound.is_set()) for c in clients)
        raise NothingFlows(
            f"{deaf} of {len(clients)} clients had no sound or no picture within {FLOWING_DEADLINE_S:.0f} s"
        ) from None


async def run(*, calls: int, seconds: float, turns: int, tell: Tell) -> list[Measured]:
    """Each server in turn, `turns` times: recording, not recording, stock."""
    tell("encoding the clip")
    clip = await asyncio.to_thread(make_clip)
    kinds: list[tuple[Measured, Opening]] = [
        (Measured("Loupe, recording", calls), lambda clip, n: loupe_calls(clip, n, recorded=True)),
        (Measured("Loupe, no recording", calls), lambda clip, n: loupe_calls(clip, n, recorded=False)),
        (Measured("aiortc MediaRelay", calls), stock_calls),
    ]
    for turn in range(turns):
        for measured, opening in kinds:
            tell(f"forwarding, turn {turn + 1} of {turns}: {measured.name}, {calls} calls, {seconds:.0f} s")
            async with opening(clip, calls) as standing:
                await measure(standing, measured, seconds)
    return [measured for measured, _ in kinds]
