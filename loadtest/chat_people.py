"""The two people of a call who only write: they come in by HTTP, hold their carriers, and keep what they were told."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from typing import Any, Self

import aiohttp

from loadtest.chat_ledger import Ledger, Message
from loadtest.chat_link import Link
from loadtest.chat_outbox import CarrierName
from loadtest.chat_socket import Socket
from loadtest.chat_stream import Event
from loadtest.chat_wire import Wire
from loadtest.front_door import Refused

READY_DEADLINE_S = 20.0
WORDS = 12  # about as long as what people write: 60 letters
RECORD_PAGE = 5000  # the record over HTTP ends there; the rest comes with `sync`


class Writer:
    """`async with Writer(...)`, then `enter` or `sign_in`, `begin`, and the call. `name` is unique in the run."""

    def __init__(self, base: str, name: str, ledger: Ledger, *, has_channel: bool) -> None:
        self._base = base
        self.name = name
        self.ledger = ledger
        self.has_channel = has_channel
        self.call_id = ""
        self.written = 0
        self.wire = Wire(self._acknowledged, self._applied)
        self._open = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        jar = aiohttp.CookieJar(unsafe=True)  # a cookie of an IP address
        self._http = await self._open.enter_async_context(aiohttp.ClientSession(self._base, cookie_jar=jar))
        return self

    async def __aexit__(self, *fault: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.wire.close()
        await self._open.aclose()

    async def _post(self, path: str, body: dict[str, Any]) -> None:
        async with self._http.post(path, json=body) as answer:
            if answer.status != 200:
                raise Refused(f"{path}: {(await answer.json()).get('message', answer.status)}")

    async def enter(self, shop: str) -> None:
        await self._post("/api/enter", {"shop": shop, "language": "en"})
        await self._begin("/ws/customer")

    async def sign_in(self, username: str, password: str) -> None:
        await self._post("/api/sign-in", {"username": username, "password": password})
        await self._begin("/ws/staff")
        await self.wire.ask({"type": "available.set", "available": True})

    async def _begin(self, path: str) -> None:
        host = str(self._http._base_url.host) if self._http._base_url is not None else ""
        self.socket = Socket(self._http, path, self.wire)
        self.link = Link(self.wire, self.socket, host)
        self._tasks = [asyncio.create_task(self.socket.run())]
        if self.has_channel:
            self._tasks.append(asyncio.create_task(self.link.run()))
        async with asyncio.timeout(READY_DEADLINE_S):
            await self.socket.opened.wait()
            if self.has_channel:
                await self.link.opened.wait()

    async def join(self, matter: str) -> str:
        """Gets in line; the call's id."""
        joined = await self.wire.ask(
            {"type": "call.join", "name": self.name, "matter": matter, "consent": False}  # there is nothing to record
        )
        self._turn_to(joined["call"]["id"])
        return self.call_id

    async def answer(self, call_id: str) -> None:
        answered = await self.wire.ask({"type": "call.answer", "call_id": call_id})
        self._turn_to(call_id)
        self.wire.stream.take(answered["events"] or [], "socket")

    async def hang_up(self) -> None:
        await self.wire.ask({"type": "call.end"})

    def _turn_to(self, call_id: str) -> None:
        self.call_id = self.wire.stream.call_id = call_id

    # --- writing and reading ---

    def say(self, due: float) -> None:
        """One message; `due` is when the pace asked for it."""
        text = f"{self.name} {self.written}: " + " ".join(secrets.token_hex(2) for _ in range(WORDS))
        message = Message(secrets.token_hex(8), self.name, self.written, text, due)
        self.written += 1
        self.ledger.written(self.call_id, message)
        self.wire.say(message.cmid, text)

    def _acknowledged(self, cmid: str, position: int, carrier: CarrierName) -> None:
        self.ledger.acknowledged(self.call_id, cmid, position, carrier)

    def _applied(self, event: Event, carrier: str) -> None:
        self.ledger.applied(self.call_id, self.name, event, carrier)

    def fault(self) -> BaseException | None:
        """What ended one of this person's tasks, or refused one of the messages."""
        ended = (task.exception() for task in self._tasks if task.done() and not task.cancelled())
        return self.wire.fault or next((fault for fault in ended if fault is not None), None)

    async def record(self) -> list[Event]:
        """The call's events as the server's record has them, over HTTP."""
        async with self._http.get(f"/api/calls/{self.call_id}") as answer:
            said = await answer.json()
            if answer.status != 200:
                raise Refused(f"/api/calls: {said.get('message', answer.status)}")
        events: list[Event] = said["events"]
        while len(events) >= RECORD_PAGE:
            more: list[Event] = (await self.wire.ask({"type": "sync", "after": events[-1]["position"]}))["events"]
            if not more:
                break
            events += more
        return events
