"""The end of a browser's session: in the store, for its cookies, and on everything that is open by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from aiohttp import web

from domain.errors import Refusal
from signaling.http_context import CHAT, HOUSE, LIVE, REFUSED

LOOK_EVERY_S = 5.0  # another server on the same database may have signed somebody out
CLOCKS_APART = timedelta(seconds=30)  # of the machines that those run on


async def sign_out(app: web.Application, session: str) -> None:
    """Kept before anything is closed: what comes back is refused."""
    await app[HOUSE].conversations.sign_out(session, app[HOUSE].now())
    end_session(app, session)


def end_session(app: web.Application, session: str) -> None:
    """Closes the WebSockets, polls and data channels of a session that was signed out."""
    app[LIVE].end_session(session)
    if CHAT in app:
        app[CHAT].end_session(session)


async def watch_others(app: web.Application) -> AsyncIterator[None]:
    """For `cleanup_ctx`: ends here what was signed out elsewhere."""
    watching = asyncio.create_task(_keep_watching(app), name="sessions signed out elsewhere")
    yield
    watching.cancel()
    await asyncio.wait([watching])


async def _keep_watching(app: web.Application) -> None:
    since, ended = app[HOUSE].now(), set[str]()
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        looked_at = app[HOUSE].now()
        try:
            ended = await end_those_since(app, since, ended)
        except Refusal:  # the store is away: looked for again
            app[REFUSED]["sign_outs_unread"] += 1
        else:
            since = looked_at


async def end_those_since(app: web.Application, since: datetime, ended: set[str]) -> set[str]:
    """Ends what was signed out since a time, save those that have ended here. Returns all of them."""
    found = set(await app[HOUSE].conversations.signed_out_since(since - CLOCKS_APART))
    for session in found - ended:
        end_session(app, session)
    return found
