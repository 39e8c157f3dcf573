"""Hands a request on to the server that keeps the shop's floor: WebSockets frame by frame, others whole.

It goes there as the visitor's browser sent it, cookies and all, so that server asks for the same rights as of anybody.
"""

from __future__ import annotations

import asyncio

from aiohttp import ClientError, ClientSession, ClientTimeout, ClientWebSocketResponse, WSMsgType, web
from multidict import CIMultiDict

from signaling.carriers import RESTARTING
from signaling.chat import LARGEST_READ

RELAYED = "X-Loupe-Relayed"  # never twice: two servers that disagree would hand it to and fro
TAKEN_ALONG = ("Host", "Origin", "Cookie", "Content-Type", "Accept-Language", "Sec-Fetch-Site")
BROUGHT_BACK = ("Content-Type", "Cache-Control", "Content-Security-Policy", "Content-Disposition", "Retry-After")
CONNECT_S = 2.0
ANSWER_S = 190.0  # a little more than the longest upload may take
HEARTBEAT_S = 10.0
GONE = 1006  # closed without a word


class Relay:
    """`client` is closed by who made it. `close` ends all relayed sockets with 4000: their pages come back."""

    def __init__(self, client: ClientSession) -> None:
        self._client = client
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
        """What that server answers; None when it does not. The body of the request stays readable only if it has none."""
        try:
            async with (
                asyncio.timeout(ANSWER_S),
                self._client.request(
                    request.method,
                    url + request.path_qs,
                    headers=_headers(request),
                    data=request.content if request.body_exists else None,
                    timeout=ClientTimeout(sock_connect=CONNECT_S),
                    allow_redirects=False,
                ) as said,
            ):
                headers = CIMultiDict((name, said.headers[name]) for name in BROUGHT_BACK if name in said.headers)
                for cookie in said.headers.getall("Set-Cookie", ()):
                    headers.add("Set-Cookie", cookie)
                return web.Response(status=said.status, body=await said.read(), headers=headers)
        except (ClientError, OSError, TimeoutError):
            return None

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
