"""Several servers behind one address: each shop's floor has one keeper, to which the others hand what is of its calls on.

The page of a call may connect to any server. The media of a call go to the keeper's UDP port, which its session
description names. When a keeper dies another one takes its floors up, and pages come back to it by themselves.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from types import TracebackType
from typing import Protocol, Self

import structlog
from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web
from aiohttp.typedefs import Handler

from domain.errors import NotFound, NotSignedIn, Refusal, Unavailable
from domain.floors import RENEW_EVERY_S, FloorStore, Keeper
from signaling.asked_for import OF_CALLS, shops_asked_for
from signaling.carriers import RESTARTING
from signaling.http_body import customer_of, staff_of
from signaling.relay import RELAYED, Relay
from signaling.tasks import Tasks

log = structlog.get_logger()
PATIENCE_S = 8.0  # a little longer than a dead keeper is believed to be alive
TRY_AGAIN_S = 0.25
IDLE_TURNS = 30  # a minute without anybody: the next to come may find another keeper
SOCKETS = ("/ws/staff", "/ws/customer")


KEEPING: web.AppKey[Keeping] = web.AppKey("keeping")  # only where several servers share a database


class Keepable(Protocol):
    """The live half (`signaling.live.Live`), shop by shop."""

    async def take_up(self, shop_id: str) -> None: ...
    async def let_go(self, shop_id: str) -> None: ...
    def is_idle(self, shop_id: str) -> bool: ...
    def staff_available(self, shop_id: str) -> int: ...


class Keeping:
    """`async with` takes up what no server keeps, and keeps it; leaving gives all up. `url` is where other servers reach
    this one."""

    def __init__(self, floors: FloorStore, live: Keepable, node: str, url: str) -> None:
        self._floors = floors
        self._live = live
        self._node = node
        self._url = url.rstrip("/")
        self._kept: dict[str, int] = {}  # shop -> turns without anybody
        self._turns: dict[str, asyncio.Lock] = {}
        self.counts: Counter[str] = Counter()
        self._tasks = Tasks(self.counts)
        self._client: ClientSession
        self.relay: Relay

    async def __aenter__(self) -> Self:
        # cookies are the visitors'; nothing of one may reach another
        self._client = ClientSession(
            cookie_jar=DummyCookieJar(), connector=TCPConnector(limit=0), auto_decompress=False
        )
        self.relay = Relay(self._client)
        await self._tasks.__aenter__()
        self._tasks.spawn(self._keep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._tasks.__aexit__(None, None, None)
        await self.relay.close()
        await self._client.close()
        try:
            await self._floors.leave(self._node)
        except Refusal:  # others find out by the lease
            log.info("floors could not be given up")

    async def claim(self, shop_id: str) -> Keeper | None:
        """The shop's keeper; None when that is this server, which has taken the floor up then. Raises Unavailable."""
        keeper = await self._floors.keeper(shop_id, self._node, self._url)
        if keeper.node != self._node:
            return keeper
        async with self._turns.setdefault(shop_id, asyncio.Lock()):
            if shop_id not in self._kept:
                keeper = await self._floors.keeper(shop_id, self._node, self._url)  # it may just have been given up
                if keeper.node != self._node:
                    return keeper
                await self._live.take_up(shop_id)
                log.info("a floor was taken up", shop=shop_id)
            self._kept[shop_id] = 0  # who asked may be about to come in
        return None

    async def staff_available(self, shop_id: str) -> int:
        """As the keeper said within the last seconds."""
        try:
            keeper = await self.claim(shop_id)
        except Unavailable:
            keeper = None
        return self._live.staff_available(shop_id) if keeper is None else keeper.available

    def figures(self) -> dict[str, float]:
        """Flat counters and gauges for operators."""
        gauges = {"floors": len(self._kept), "relayed_sockets": len(self.relay)}
        return {name: float(value) for name, value in {**self.counts, **gauges}.items()}

    # --- the clock ---

    async def _keep(self) -> None:
        while True:
            try:
                await self._turn()
            except Refusal:  # the database is away: nobody else can take a floor meanwhile, and calls go on
                self.counts["renewals_failed"] += 1
            except Exception:
                self.counts["faults"] += 1
                log.exception("floors could not be kept")
            await asyncio.sleep(RENEW_EVERY_S)

    async def _turn(self) -> None:
        kept = set(self._kept)  # one that is taken up meanwhile is not in the answer
        still = await self._floors.renew(self._node, {shop: self._live.staff_available(shop) for shop in kept})
        for shop_id in kept - still:
            log.warning("another server has taken a floor", shop=shop_id)
            async with self._turns[shop_id]:
                await self._let_go(shop_id)
        not_taken_up = still - self._kept.keys()  # the database failed, or who asked went away, between the two steps
        for shop_id in [*not_taken_up, *await self._floors.deserted()]:
            await self.claim(shop_id)
        for shop_id in list(self._kept):
            async with self._turns[shop_id]:  # whoever asks meanwhile finds the floor kept, or given up for good
                self._kept[shop_id] = self._kept[shop_id] + 1 if self._live.is_idle(shop_id) else 0
                if self._kept[shop_id] >= IDLE_TURNS:
                    await self._let_go(shop_id)
                    await self._floors.leave(self._node, shop_id)

    async def _let_go(self, shop_id: str) -> None:
        del self._kept[shop_id]
        await self._live.let_go(shop_id)

    # --- what comes in ---

    async def hand_on(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Serves a request here, or hands it on to the keeper of its shop."""
        if request.path in SOCKETS:
            who = staff_of if request.path == "/ws/staff" else customer_of
            return await self._socket(request, (await who(request)).shop_id, handler)
        asked = OF_CALLS.fullmatch(request.path)
        if asked is None or RELAYED in request.headers:
            return await handler(request)
        try:
            [*others, shop_id] = await shops_asked_for(request, asked)
        except (NotFound, NotSignedIn, Unavailable):
            return await handler(request)
        for other in others if request.method == "GET" else ():
            try:
                found = await self._answer(request, other, handler)
            except NotFound:
                continue
            if found.status != NotFound.status:
                return found
        return await self._answer(request, shop_id, handler)

    async def _socket(self, request: web.Request, shop_id: str, handler: Handler) -> web.StreamResponse:
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while asyncio.get_running_loop().time() < deadline:
            try:
                keeper = await self.claim(shop_id)
            except Unavailable:
                if shop_id in self._kept:
                    return await handler(request)
                break
            if keeper is None:
                return await handler(request)
            if RELAYED in request.headers:
                break  # whoever handed it here will ask again
            served = await self.relay.socket(request, keeper.url)
            if served is not None:
                return served
            self.counts["keepers_silent"] += 1
            await asyncio.sleep(TRY_AGAIN_S)  # until the keeper is given up, and this server may take its place
        return await _come_back(request)

    async def _answer(self, request: web.Request, shop_id: str, handler: Handler) -> web.StreamResponse:
        try:
            keeper = await self.claim(shop_id)
        except Unavailable:
            keeper = None
        answer = await self.relay.answer(request, keeper.url) if keeper is not None else None
        return answer if answer is not None else await handler(request)


def join_others(app: web.Application, keeping: Keeping) -> None:
    """Makes the door of one server one of several."""

    @web.middleware
    async def hand_on(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await keeping.hand_on(request, handler)

    async def close(_: web.Application) -> None:
        await keeping.relay.close()

    app[KEEPING] = keeping
    app.middlewares.append(hand_on)  # the innermost: origins were checked, and refusals have their shape
    app.on_shutdown.append(close)


async def _come_back(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.close(code=RESTARTING, message=b"restarting")
    return socket
