"""Reading what a request carries, never more than its limit and never for longer than its deadline."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, TypeVar

from aiohttp import BodyPartReader, web
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from domain.call import Call
from domain.errors import Invalid, NotSignedIn, TooLarge, Unavailable
from domain.people import Customer, Staff
from signaling.cookies import Known
from signaling.http_context import COOKIES, HOUSE
from signaling.rights import Deed, first_who_may

MAX_JSON_BYTES = 64 * 1024
JSON_DEADLINE_S = 20.0
UPLOAD_DEADLINE_S = 180.0  # 20 MB at 1 Mbit/s

M = TypeVar("M", bound=BaseModel)


def _printable(text: str) -> str:
    if any(ord(c) < 32 and c not in "\n\t" for c in text) or "\x7f" in text:
        raise ValueError("holds control characters")
    return text


Words = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_printable)]
PathId = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Nothing(BaseModel):
    """`{}`: it is done, and there is no more to say."""


async def read_json(request: web.Request, model: type[M], *, limit: int = MAX_JSON_BYTES) -> M:
    """The JSON body as `model`. Raises Invalid, TooLarge or pydantic's ValidationError."""
    if request.content_type != "application/json":
        raise Invalid("Send JSON with the header Content-Type: application/json.")
    return model.model_validate_json(await read_bytes(request, limit=limit, deadline_s=JSON_DEADLINE_S))


async def read_bytes(request: web.Request, *, limit: int, deadline_s: float = UPLOAD_DEADLINE_S) -> bytes:
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    data = bytearray()
    async with asyncio.timeout(deadline_s):
        async for chunk in request.content.iter_any():
            data += chunk
            if len(data) > limit:
                raise _too_large(limit)
    return bytes(data)


@asynccontextmanager
async def received(request: web.Request, folder: Path, *, limit: int) -> AsyncIterator[tuple[BinaryIO, str]]:
    """The body as a file without a name in `folder`, and its SHA-256 in hexadecimal: of a large one no more than a piece is
    ever in memory. Raises TooLarge, and Unavailable when the disk cannot take it."""
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    sha256 = hashlib.sha256()
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            async with asyncio.timeout(UPLOAD_DEADLINE_S):
                async for piece in request.content.iter_any():
                    sha256.update(piece)
                    file.write(piece)
                    if file.tell() > limit:
                        raise _too_large(limit)
            file.seek(0)
        except OSError as fault:
            if isinstance(fault, TimeoutError | ConnectionError):  # the network's, not the disk's
                raise
            raise Unavailable("The disk is full; nothing was kept. Try again later.") from fault
        yield file, sha256.hexdigest()


async def read_part(part: BodyPartReader, *, limit: int) -> bytes:
    """One part of a multipart body, decoded."""
    data = bytearray()
    while chunk := await part.read_chunk(64 * 1024):
        data += chunk
        if len(data) > limit:
            raise _too_large(limit)
    return bytes(data)


async def staff_of(request: web.Request) -> Staff:
    """Who is signed in. Raises NotSignedIn."""
    return (await request.app[COOKIES].staff(request)).person


async def customer_of(request: web.Request) -> Customer:
    """Whose device this is. Raises NotSignedIn."""
    return (await known_customer(request)).person


async def known_customer(request: web.Request) -> Known[Customer]:
    """The customer of the shop that the request names (`?shop=`), else the one who came last. Raises NotSignedIn."""
    known = await request.app[COOKIES].customers(request)
    if not known:
        raise NotSignedIn("Open the shop's link first.")
    return known[0]


async def known_of(request: web.Request) -> list[Known[Staff] | Known[Customer]]:
    """Everybody whom this browser is known as, staff first. Raises NotSignedIn when that is nobody."""
    known: list[Known[Staff] | Known[Customer]] = []
    try:
        known.append(await request.app[COOKIES].staff(request))
    except NotSignedIn:
        pass
    known += await request.app[COOKIES].customers(request)
    if not known:
        raise NotSignedIn("Sign in, or open the shop's link, first.")
    return known


async def people_of(request: web.Request) -> list[Staff | Customer]:
    """As `known_of`, without the sessions."""
    return [known.person for known in await known_of(request)]


async def call_for(request: web.Request, deed: Deed, call_id: str) -> tuple[Staff | Customer, Call]:
    """Who of this browser's people may do this with the call, and the call. Raises NotSignedIn, NotFound, Forbidden."""
    people = await people_of(request)
    call = await request.app[HOUSE].calls.get(call_id)
    return first_who_may(people, deed, call), call


def path_id(request: web.Request, name: str = "id") -> str:
    return request.match_info[name]


def json_answer(model: BaseModel, *, status: int = 200) -> web.Response:
    return web.Response(text=model.model_dump_json(), status=status, content_type="application/json")


def _too_large(limit: int) -> TooLarge:
    size = f"{limit // (1024 * 1024)} MB" if limit >= 1024 * 1024 else f"{limit // 1024} kB"
    return TooLarge(f"That is larger than {size}. Send something smaller.")
