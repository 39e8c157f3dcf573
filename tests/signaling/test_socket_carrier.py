"""A page that stopped reading: what waits for it goes with its socket."""

from __future__ import annotations

import asyncio
import socket

from aiohttp import web
from aiohttp.test_utils import TestServer

from signaling.carriers import SocketCarrier
from signaling.outbox import MAX_FRAMES

HEARTBEAT_S = 0.2
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


async def test_what_waits_for_a_page_that_does_not_read_is_dropped_with_its_socket() -> None:
    left: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def serve(request: web.Request) -> web.WebSocketResponse:
        page = web.WebSocketResponse(heartbeat=HEARTBEAT_S, timeout=2.0, compress=False)
        await page.prepare(request)
        transport = request.transport
        assert transport is not None
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
        carrier = SocketCarrier(page, transport.abort, "", transport)
        writer = asyncio.create_task(carrier.run())
        await asyncio.sleep(0)  # it waits for something to write
        assert all(carrier.send("x" * 8000) for _ in range(MAX_FRAMES))
        async for _ in page:
            pass
        carrier.close(1000, "")
        writer.add_done_callback(lambda _: left.set_result(transport.get_write_buffer_size()))
        await asyncio.wait([writer])
        return page

    app = web.Application()
    app.router.add_get("/", serve)
    async with TestServer(app) as server:
        silent = socket.socket()
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        silent.setblocking(False)
        with silent:
            await asyncio.get_running_loop().sock_connect(silent, ("127.0.0.1", server.port))
            await asyncio.get_running_loop().sock_sendall(silent, UPGRADE)
            assert await asyncio.wait_for(left, 5.0) == 0
