"""The end of a browser's session: in the store, for its cookies, and on everything that is open by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import structlog
from aiohttp import web

from domain.errors import Refusal
from signaling.http_context import CHAT, HOUSE, LIVE, REFUSED

log = structlog.get_logger(__name__)
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
    watching = asyncio.create_task(keep_watching(app, LOOK_EVERY_S), name="sessions signed out elsewhere")
    yield
    watching.cancel()
    await asyncio.wait([watching])


async def keep_watching(app: web.Application, every_s: float) -> None:
    """Looks for ever, whatever goes wrong: what was not seen is looked for again."""
    since, ended = app[HOUSE].now(), set[str]()
    while True:
        await asyncio.sleep(every_s)
        looked_at = app[HOUSE].now()
        try:
            ended = await end_those_since(app, since, ended)
        except Refusal:  # the store is away
            app[REFUSED]["sign_outs_unread"] += 1
        except Exception as fault:
            app[REFUSED]["sign_outs_unread"] += 1
            log.error("sign-outs elsewhere were not seen", fault=type(fault).__name__)
        else:
            since = looked_at


async def end_those_since(app: web.Application, since: datetime, ended: set[str]) -> set[str]:
    """Ends what was signed out since a time, save those that have ended here. Returns all of them."""
    found = set(await app[HOUSE].conversations.signed_out_since(since - CLOCKS_APART))
    for session in found - ended:
        end_session(app, session)
    return found
