"""Browser tabs without a browser: real WebSockets on loopback against `Live`, and the data channels of `FakeNode`."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector, WSMsgType, web

from domain.bus import Bus
from domain.people import Customer, Staff
from domain.record import Side
from signaling.chat import Chat
from signaling.lanes import Bucket
from signaling.live import Live
from signaling.node import Plan
from tests.support.fake_node import OFFER_SDP
from tests.support.houses import ANN, MEI, TestHouse

Frame = dict[str, Any]
PATIENCE_S = 10.0
_numbers = itertools.count(1)


PROPOSAL: dict[str, Any] = {
    "service": "New heels",
    "starts_at": "2026-12-01T10:00:00+08:00",
    "minutes": 30,
    "price": 8000,
}


def cmid() -> str:
    return f"cmid-{next(_numbers):08d}"


class Tab:
    """One open page. `ask` returns the `ok`, `refused` the `error`; `news` waits for a frame that was not taken yet."""

    def __init__(self, stand: Stand, person: Staff | Customer, socket: ClientWebSocketResponse) -> None:
        self.stand = stand
        self.person = person
        self.socket = socket
        self.welcome: Frame = {}
        self.frames: list[Frame] = []  # everything heard on the socket
        self.channel_frames: list[Frame] = []  # everything heard on the data channel
        self.peer = ""
        self._taken: set[int] = set()
        self._came = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    @property
    def node_peer(self) -> str:
        return f"{self.person.id}.{self.peer}"

    @property
    def close_code(self) -> int | None:
        return self.socket.close_code

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type is WSMsgType.TEXT:
                self.frames.append(json.loads(message.data))
                self._came.set()
        self._came.set()

    async def send(self, **frame: Any) -> str:
        ref = frame.setdefault("ref", f"r{next(_numbers)}")
        await self.socket.send_json(frame)
        return str(ref)

    async def answer_to(self, ref: str) -> Frame:
        return await self.until(lambda f: f.get("ref") == ref)

    async def ask(self, type: str, **fields: Any) -> Frame:
        answer = await self.answer_to(await self.send(type=type, **fields))
        assert answer["type"] in ("ok", "welcome"), answer
        return answer

    async def propose(self, **fields: Any) -> Frame:
        """Staff: a booking, the most common lasting event of a call."""
        return await self.ask("booking.propose", **{"cmid": cmid(), **PROPOSAL, **fields})

    async def refused(self, type: str, **fields: Any) -> Frame:
        answer = await self.answer_to(await self.send(type=type, **fields))
        assert answer["type"] == "error", answer
        assert answer["message"].endswith("."), answer
        return answer

    async def news(self, type: str, is_wanted: Callable[[Frame], bool] = lambda f: True) -> Frame:
        return await self.until(lambda f: f["type"] == type and is_wanted(f))

    async def call_where(self, is_wanted: Callable[[Frame], bool]) -> Frame:
        return dict((await self.news("call", lambda f: is_wanted(f["call"])))["call"])

    async def event(self, kind: str) -> Frame:
        return dict((await self.news("event", lambda f: f["event"]["kind"] == kind))["event"])

    async def until(self, is_wanted: Callable[[Frame], bool]) -> Frame:
        """The first frame on the socket, not taken before, that is wanted; it is taken then."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for index, frame in enumerate(self.frames):
                    if index not in self._taken and is_wanted(frame):
                        self._taken.add(index)
                        return frame
                if self._reader.done():
                    raise AssertionError(f"the socket closed with {self.close_code}")
                self._came.clear()
                await self._came.wait()

    async def closed(self) -> int | None:
        async with asyncio.timeout(PATIENCE_S):
            await self._reader
        return self.close_code

    async def close(self) -> None:
        await self.socket.close()
        await self._reader

    # --- media ---

    async def connect(self, peer: str = "p1") -> None:
        """Offers and comes up, without a data channel."""
        await self.ask("media.offer", peer=peer, sdp=OFFER_SDP)
        self.peer = peer
        self.stand.house.node.connect(self.node_peer)

    def open_channel(self) -> None:
        self.stand.house.node.open_channel(self.node_peer)

    def heard_on_channel(self) -> list[Frame]:
        known = self.stand.house.node.peers.get(self.node_peer)
        return [json.loads(text) for text in known.heard] if known is not None else []

    def say_on_channel(self, **frame: Any) -> str:
        ref = frame.setdefault("ref", f"r{next(_numbers)}")
        self.stand.house.node.say(self.node_peer, json.dumps(frame))
        return str(ref)

    async def channel_frame(self, is_wanted: Callable[[Frame], bool]) -> Frame:
        found: list[Frame] = []

        def look() -> bool:
            found[:] = [f for f in self.heard_on_channel() if is_wanted(f)]
            return bool(found)

        await self.stand.house.node.until(look)
        return found[0]

    async def ask_on_channel(self, type: str, **fields: Any) -> Frame:
        ref = self.say_on_channel(type=type, **fields)
        return await self.channel_frame(lambda f: f.get("ref") == ref)


class Stand:
    """`Live` behind a door that lets everybody in by their id."""

    def __init__(self, house: TestHouse, live: Live, chat: Chat, url: str, browser: ClientSession) -> None:
        self.house = house
        self.live = live
        self.chat = chat
        self.url = url
        self.browser = browser
        self.tabs: list[Tab] = []

    def give_breath(self, tab: Tab) -> None:
        """Fills this person's token buckets: the test is faster than a person may be."""
        side: Side = "staff" if isinstance(tab.person, Staff) else "customer"
        session = self.live.floor.sessions[side, tab.person.id]
        session.frames, session.offers = Bucket(50, 100), Bucket(1, 10)

    def plan(self, call_id: str) -> Plan:
        """What the media node was told last of this call."""
        return self.house.node.plans.get(call_id, Plan(call_id))

    def routes(self, call_id: str) -> set[tuple[str, int, str]]:
        """(who sees, in which slot, whom) by person id."""
        routes = self.plan(call_id).routes
        return {(r.sink.split(".")[0], r.slot, r.source.split(".")[0]) for r in routes}

    def tapes(self, call_id: str) -> dict[str, str]:
        """Track name -> person id."""
        return {t.track: t.peer.split(".")[0] for t in self.plan(call_id).tapes}

    async def bare(self, person: Staff | Customer) -> Tab:
        """A connected page that has not said hello."""
        side = "staff" if isinstance(person, Staff) else "customer"
        tab = Tab(self, person, await self.browser.ws_connect(f"{self.url}/{side}/{person.id}", max_msg_size=0))
        self.tabs.append(tab)
        return tab

    async def tab(self, person: Staff | Customer, *, position: int = 0) -> Tab:
        tab = await self.bare(person)
        tab.welcome = await tab.ask("hello", position=position, language="en")
        self.give_breath(tab)
        assert tab.welcome["type"] == "welcome"
        return tab

    async def waiting(self, person: Customer = ANN, *, consent: bool = True, connected: bool = True) -> Tab:
        tab = await self.tab(person)
        if connected:
            await tab.connect()
        await tab.ask("call.join", name=person.name, matter="A scuffed heel", consent=consent)
        return tab

    async def staff(self, person: Staff = MEI, *, connected: bool = True) -> Tab:
        tab = await self.tab(person)
        await tab.ask("available.set", available=True)
        if connected:
            await tab.connect()
        return tab

    async def talking(self, *, consent: bool = True, staff: Staff = MEI, is_told: bool = True) -> tuple[Tab, Tab, str]:
        """(customer, staff, call id) of a live call. `is_told`: also until the line of who joined, which comes later."""
        customer = await self.waiting(consent=consent)
        tablet = await self.staff(staff)
        call_id = next(iter(self.live.floor.open_visits())).id
        answer = await tablet.ask("call.answer", call_id=call_id)
        assert answer["call"]["state"] in ("ringing", "live")  # ringing: the node's word of a connection is on its way
        await customer.call_where(lambda c: c["state"] == "live")
        if is_told:
            await customer.event("joined")
            await tablet.event("joined")
        return customer, tablet, call_id


@asynccontextmanager
async def opened(
    folder: Path,
    house: TestHouse | None = None,
    *,
    heads_every_s: float = 20.0,
    compare_every_s: float | None = None,
    bus: Bus | None = None,
    has_sessions: bool = False,
    is_shared: bool = False,
    **settings: object,
) -> AsyncIterator[Stand]:
    """A started `Live` and `Chat` on a free port of 127.0.0.1. `has_sessions`: everybody has one browser, with the session
    `session-<id>`; else nobody's sockets have one. `is_shared`: as one of several servers, which keeps no floor yet."""

    def session_of(request: web.Request) -> str:
        return f"session-{request.match_info['id']}" if has_sessions else ""

    house = house or TestHouse(folder, **settings)
    async with AsyncExitStack() as stack:
        chat = await stack.enter_async_context(
            Chat(house.house, bus=bus, heads_every_s=heads_every_s, compare_every_s=compare_every_s)
        )
        live = await stack.enter_async_context(Live(house.house, chat, is_shared=is_shared))

        async def staff(request: web.Request) -> web.WebSocketResponse:
            return await live.staff_socket(
                request, await house.people.staff(request.match_info["id"]), session_of(request)
            )

        async def customer(request: web.Request) -> web.WebSocketResponse:
            return await live.customer_socket(
                request, await house.people.customer(request.match_info["id"]), session_of(request)
            )

        async def chatting(request: web.Request) -> web.WebSocketResponse:
            people, id = house.people, request.match_info["id"]
            person = people.staff_by_id.get(id) or await people.customer(id)
            return await chat.serve(request, person, session_of(request))

        app = web.Application()
        app.router.add_get("/chat/{id}", chatting)
        app.router.add_get("/staff/{id}", staff)
        app.router.add_get("/customer/{id}", customer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        stack.push_async_callback(live.close)
        stack.push_async_callback(chat.close)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        browser = await stack.enter_async_context(ClientSession(connector=TCPConnector(limit=0)))
        stand = Stand(house, live, chat, f"http://127.0.0.1:{port}", browser)
        yield stand
        for tab in stand.tabs:
            await tab.close()
