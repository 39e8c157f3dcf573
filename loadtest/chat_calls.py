"""Where the chat's calls come from: a server, own or named, and pairs of people in live calls."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtest.chat_ledger import Ledger
from loadtest.chat_people import Writer
from loadtest.server_process import LoupeServer


@dataclass(frozen=True, slots=True)
class ChatServer:
    """A server to write through: each of `usernames` (all with `password`) takes one customer. `process`: ours to kill."""

    base: str
    usernames: Sequence[str]
    password: str
    process: LoupeServer | None = None
    shop: str = "demo"


@asynccontextmanager
async def own_server(customers: int) -> AsyncIterator[LoupeServer]:
    with tempfile.TemporaryDirectory(prefix="loupe-chat-") as folder:
        options = ("--demo-staff", str(customers)) if customers > 3 else ()
        async with LoupeServer(Path(folder) / "data", *options) as server:
            yield server


def of_process(server: LoupeServer) -> ChatServer:
    usernames = server.facts.get("usernames") or [server.facts["username"]]
    return ChatServer(server.base, usernames, server.facts["password"], server)


async def meet(at: ChatServer, stack: AsyncExitStack, ledger: Ledger, number: int) -> tuple[Writer, Writer]:
    """A customer and a member of staff in a live call. In every call at least one has a data channel, in one of three
    both, and in two of three one has the WebSocket alone: a network without UDP."""
    has_channel = ((True, False), (True, True), (False, True))[number % 3]
    customer = Writer(at.base, f"customer-{number}", ledger, has_channel=has_channel[0])
    staff = Writer(at.base, f"staff-{number}", ledger, has_channel=has_channel[1])
    for writer in (customer, staff):
        await stack.enter_async_context(writer)
    await staff.sign_in(at.usernames[number], at.password)
    await customer.enter(at.shop)
    call_id = await customer.join("A scuffed heel")
    await staff.answer(call_id)
    ledger.books[call_id].readers = (customer.name, staff.name)
    return customer, staff
