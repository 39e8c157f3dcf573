"""Hands a request on to the server that keeps the shop's floor: WebSockets frame by frame, others whole.

It goes there as the visitor's browser sent it, cookies and all, so that server asks for the same rights as of anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    ConnectionTimeoutError,
    WSMsgType,
    web,
)
from multidict import CIMultiDict

from domain.errors import Unavailable
from signaling.carriers import RESTARTING
from signaling.chat import LARGEST_READ
from signaling.http_body import UPLOAD_DEADLINE_S

RELAYED = "X-Loupe-Relayed"  # never twice: two servers that disagree would hand it to and fro
TAKEN_ALONG = ("Host", "Origin", "Cookie", "Content-Type", "Accept-Language", "Sec-Fetch-Site")
BROUGHT_BACK = ("Content-Type", "Cache-Control", "Content-Security-Policy", "Content-Disposition", "Retry-After")
CONNECT_S = 2.0
ANSWER_S = 20.0  # of silence, while it is not the visitor who is waited for
HEARTBEAT_S = 10.0
GONE = 1006  # closed without a word


class Relay:
    """`client` is closed by who made it. `close` ends all relayed sockets with 4000: their pages come back. `patience_s`: how
    long another server may take for an answer, or for a piece of a body."""

    def __init__(self, client: ClientSession, patience_s: float = ANSWER_S) -> None:
        self._client = client
        self._patience_s = patience_s
        self._sockets: set[web.WebSocketResponse] = set()

    def __len__(self) -> int:
        return len(self._sockets)

    async def socket(self, request: web.Request, url: str) -> web.WebSocketResponse | None:
        """Serves until either side closes. None when that server does not answer: the request is as it was."""
        try:
            async with asyncio.timeout(CONNECT_S):
                there = await self._client.ws_connect(
                    url + request.path_qs,
                    headers=_headers(request),
                    max_msg_size=0,  # what the keeper says is as long as a call's history; its outbox bounds that
                    heartbeat=HEARTBEAT_S,
                )
        except (ClientError, OSError, TimeoutError):
            return None
        here = web.WebSocketResponse(heartbeat=HEARTBEAT_S, timeout=2.0, max_msg_size=LARGEST_READ, compress=False)
        try:
            await here.prepare(request)
            self._sockets.add(here)
            down = asyncio.create_task(_pump_down(there, here))
            try:
                await _pump_up(here, there)
            finally:
                await there.close()
                await asyncio.wait([down], timeout=3.0)
                down.cancel()
        finally:
            self._sockets.discard(here)
            await there.close()
        return here

    async def answer(self, request: web.Request, url: str) -> web.Response | None:
        """What that server answers; None when it cannot be reached: the request is as it was then. Raises Unavailable when it
        was reached and falls silent: what was asked may have been done or not."""
        now = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(self._patience_s) as patience:
                longest = now() + UPLOAD_DEADLINE_S

                async def body() -> AsyncIterator[bytes]:
                    patience.reschedule(longest)  # the visitor may be slow
                    async for piece in request.content.iter_any():
                        patience.reschedule(now() + self._patience_s)
                        yield piece
                        patience.reschedule(longest)
                    patience.reschedule(now() + self._patience_s)

                async with self._client.request(
                    request.method,
                    url + request.path_qs,
                    headers=_headers(request),
                    data=body() if request.body_exists else None,
                    timeout=ClientTimeout(sock_connect=CONNECT_S),
                    allow_redirects=False,
                ) as said:
                    headers = CIMultiDict((name, said.headers[name]) for name in BROUGHT_BACK if name in said.headers)
                    for cookie in said.headers.getall("Set-Cookie", ()):
                        headers.add("Set-Cookie", cookie)
                    return web.Response(status=said.status, body=await said.read(), headers=headers)
        except (ClientConnectorError, ConnectionTimeoutError):
            return None
        except (ClientError, OSError, TimeoutError) as fault:
            raise Unavailable("The server of this call does not answer. Try again in a moment.") from fault

    async def close(self) -> None:
        closing = [socket.close(code=RESTARTING, message=b"restarting") for socket in list(self._sockets)]
        await asyncio.gather(*closing, return_exceptions=True)


def _headers(request: web.Request) -> CIMultiDict[str]:
    taken: CIMultiDict[str] = CIMultiDict({RELAYED: "1"})
    for name, value in request.headers.items():
        if name.title() in TAKEN_ALONG or name.lower().startswith("x-content-"):
            taken.add(name, value)
    return taken


async def _pump_up(here: web.WebSocketResponse, there: ClientWebSocketResponse) -> None:
    async for message in here:
        try:
            if message.type is WSMsgType.TEXT:
                await there.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await there.send_bytes(message.data)
        except (ClientError, ConnectionError):
            return


async def _pump_down(there: ClientWebSocketResponse, here: web.WebSocketResponse) -> None:
    """To its end; then the page hears why: what the keeper said, or to come back when it said nothing."""
    try:
        async for message in there:
            if message.type is WSMsgType.TEXT:
                await here.send_str(message.data)
    except (ClientError, ConnectionError):
        pass
    code = there.close_code
    await here.close(code=RESTARTING if code in (None, GONE) else code)
