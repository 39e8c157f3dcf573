"""The two people of a call who only write: they come in by HTTP, hold their carriers, and keep what they were told in their
conversation."""

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
from loadtest.chat_stream import Entry
from loadtest.chat_wire import Wire
from loadtest.front_door import Refused

READY_DEADLINE_S = 20.0
WORDS = 12  # about as long as what people write: 60 letters
RECORD_PAGE = 100


class Writer:
    """`async with Writer(...)`, then `enter` or `sign_in`, `begin`, and the call. `name` is unique in the run."""

    def __init__(self, base: str, name: str, ledger: Ledger, *, has_channel: bool) -> None:
        self._base = base
        self.name = name
        self.ledger = ledger
        self.has_channel = has_channel
        self.call_id = ""
        self.written = 0
        self.wire = Wire(self._acknowledged, self._applied, self._brought_again)
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

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self._http.post(path, json=body) as answer:
            said: dict[str, Any] = await answer.json()
            if answer.status != 200:
                raise Refused(f"{path}: {said.get('message', answer.status)}")
            return said

    async def enter(self, shop: str) -> None:
        entered = await self._post("/api/enter", {"shop": shop, "language": "en"})
        await self.wire.turn_to(f"c.{entered['customer']['id']}", opens=False)
        await self._begin("/ws/customer")

    async def sign_in(self, username: str, password: str) -> None:
        await self._post("/api/sign-in", {"username": username, "password": password})
        await self._begin("/ws/staff")
        await self.wire.ask({"type": "available.set", "available": True})

    async def _begin(self, path: str) -> None:
        host = str(self._http._base_url.host) if self._http._base_url is not None else ""
        self.desk = Socket(self._http, path, self.wire, is_desk=True)
        self.socket = Socket(self._http, f"{path}/chat", self.wire)
        self.link = Link(self.wire, self.desk, host)
        self._tasks = [asyncio.create_task(each.run()) for each in (self.desk, self.socket)]
        if self.has_channel:
            self._tasks.append(asyncio.create_task(self.link.run()))
        async with asyncio.timeout(READY_DEADLINE_S):
            await self.desk.opened.wait()
            await self.socket.opened.wait()
            if self.has_channel:
                await self.link.opened.wait()

    async def join(self, matter: str) -> str:
        """Gets in line; the call's id."""
        joined = await self.wire.ask(
            {"type": "call.join", "name": self.name, "matter": matter, "consent": False}  # there is nothing to record
        )
        self.call_id = joined["call"]["id"]
        return self.call_id

    async def answer(self, call_id: str) -> None:
        answered = await self.wire.ask({"type": "call.answer", "call_id": call_id})
        self.call_id = call_id
        [customer] = [person for person in answered["call"]["people"] if person["side"] == "customer"]
        await self.wire.turn_to(f"c.{customer['id']}", opens=True)

    async def hang_up(self) -> None:
        await self.wire.ask({"type": "call.end"})

    # --- writing and reading ---

    def say(self, due: float) -> None:
        """One message; `due` is when the pace asked for it."""
        text = f"{self.name} {self.written}: " + " ".join(secrets.token_hex(2) for _ in range(WORDS))
        message = Message(secrets.token_hex(8), self.name, self.written, text, due)
        self.written += 1
        self.ledger.written(self.call_id, message)
        self.wire.say(message.id, text)

    def _acknowledged(self, id: str, position: int, carrier: CarrierName) -> None:
        self.ledger.acknowledged(self.call_id, id, position, carrier)

    def _applied(self, entry: Entry, carrier: str) -> None:
        self.ledger.applied(self.call_id, self.name, entry, carrier)

    def _brought_again(self, entry: Entry, carrier: str) -> None:
        self.ledger.brought_again(self.call_id, self.name, entry, carrier)

    def fault(self) -> BaseException | None:
        """What ended one of this person's tasks, or refused one of the messages."""
        ended = (task.exception() for task in self._tasks if task.done() and not task.cancelled())
        return self.wire.fault or next((fault for fault in ended if fault is not None), None)

    async def record(self) -> list[Entry]:
        """The conversation as the server has it, over HTTP."""
        entries: list[Entry] = []
        while True:
            path = f"/api/streams/{self.wire.stream.id}/entries?after={len(entries)}&limit={RECORD_PAGE}"
            async with self._http.get(path) as answer:
                said = await answer.json()
                if answer.status != 200:
                    raise Refused(f"{path}: {said.get('message', answer.status)}")
            if not said["entries"]:
                return entries
            entries += said["entries"]
