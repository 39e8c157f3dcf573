"""Customers and staff of a messages run: who they are, and the cookie that lets their pages in."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import aiohttp

from loadtest.front_door import Refused
from loadtest.server_process import LoupeServer

AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    side: Literal["customer", "staff"]
    cookie: str
    shop_id: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """Of the server, in plain HTTP."""

    host: str
    port: int

    @classmethod
    def of(cls, base: str) -> Address:
        parts = urlsplit(base)
        return cls(parts.hostname or "127.0.0.1", parts.port or 80)


@asynccontextmanager
async def own_server(count_of_staff: int) -> AsyncIterator[tuple[LoupeServer, Address]]:
    with tempfile.TemporaryDirectory(prefix="loupe-load-", ignore_cleanup_errors=True) as folder:
        async with LoupeServer(Path(folder) / "data", "--demo-staff", str(max(3, count_of_staff))) as server:
            yield server, Address.of(server.base)


async def customers(base: str, count: int, shop: str = "demo") -> list[Person]:
    """Newly come in through the front door. Raises Refused."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def enter(number: int) -> Person:
        async with gate:
            asked = {"shop": shop, "language": "en", "name": f"Customer {number}"}
            said, cookie = await _post(base, "/api/enter", asked)
        return Person(str(said["customer"]["id"]), "customer", cookie)

    return list(await asyncio.gather(*(enter(number) for number in range(count))))


async def staff(base: str, usernames: Sequence[str], password: str) -> list[Person]:
    """One after the other: several at once from one address are refused. Raises Refused."""
    found = []
    for username in usernames:
        said, cookie = await _post(base, "/api/sign-in", {"username": username, "password": password})
        found.append(Person(str(said["staff"]["id"]), "staff", cookie, said["shop"]["id"]))
    return found


async def _post(base: str, path: str, body: dict[str, str]) -> tuple[dict[str, dict[str, str]], str]:
    """The answer, and the cookies as a browser would send them back."""
    async with aiohttp.ClientSession(base) as http, http.post(path, json=body) as answer:
        said = await answer.json()
        if answer.status != 200:
            raise Refused(f"{path}: {said.get('message', answer.status)}", str(said.get("code", "")))
        return said, "; ".join(f"{name}={morsel.value}" for name, morsel in answer.cookies.items())
