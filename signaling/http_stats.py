"""What an operator wants counted, as one flat JSON object: `/api/stats`."""

from __future__ import annotations

import asyncio

from aiohttp import web

from domain.errors import Unavailable
from signaling.http_body import staff_of
from signaling.http_context import CHAT, HOUSE, LIVE, REFUSED
from signaling.keeping import KEEPING
from signaling.rights import require_operator

NODE_DEADLINE_S = 2.0


def add_stats(app: web.Application) -> None:
    app.router.add_get("/api/stats", _stats)


async def _stats(request: web.Request) -> web.Response:
    """Numbers only. `node_` is the media node, `live_` sockets and frames, `chat_` the same of conversations,
    `keeping_` floors where several servers share them, `http_refused_` this door's refusals by code. `node_answers` is
    0 while the media node cannot be asked; its other numbers are left out then."""
    require_operator(await staff_of(request))
    found = {f"live_{name}": value for name, value in request.app[LIVE].counts().items()}
    found["live_tasks"] = float(len(asyncio.all_tasks()))
    if CHAT in request.app:
        found |= {f"chat_{name}": value for name, value in request.app[CHAT].figures().items()}
    if KEEPING in request.app:
        found |= {f"keeping_{name}": value for name, value in request.app[KEEPING].figures().items()}
    found |= {f"http_refused_{code}": float(count) for code, count in request.app[REFUSED].items()}
    try:
        async with asyncio.timeout(NODE_DEADLINE_S):
            node = await request.app[HOUSE].node.stats()
    except (Unavailable, TimeoutError):
        node = {}
    found |= {"node_answers": float(bool(node)), **{f"node_{name}": value for name, value in node.items()}}
    return web.json_response(dict(sorted(found.items())))
