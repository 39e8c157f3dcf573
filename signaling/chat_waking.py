"""Conversations that staff have put off come back when their time has come, whoever is here."""

from __future__ import annotations

import asyncio
from collections import Counter

import structlog

from domain.errors import Refusal
from domain.inbox import wake
from domain.stream import NewEntry, notes_stream
from signaling.house import House

LOOK_EVERY_S = 15.0
log = structlog.get_logger()


async def keep_waking(house: House, counts: Counter[str]) -> None:
    while True:
        try:
            await wake_due(house)
        except Refusal:  # the store is away: they are woken when it is back
            counts["waking_failed"] += 1
        except Exception:
            counts["faults"] += 1
            log.exception("what was put off could not be woken")
        await asyncio.sleep(LOOK_EVERY_S)


async def wake_due(house: House) -> None:
    """Wakes all that are due. Two processes that wake the same one write one entry: its id is made of who and when."""
    now = house.now()
    for customer_id in await house.conversations.due(now):
        until = (await house.conversations.conversation(customer_id)).snoozed_until
        if until is None:
            continue
        note = NewEntry(
            stream=notes_stream(customer_id),
            id=f"woken.{customer_id}.{int(until.timestamp())}",
            kind="woken",
            author="loupe",
            side="machine",
            author_name="Loupe",
            at=now,
            body={},
        )
        try:
            await house.conversations.act(customer_id, lambda conversation: wake(conversation, now), note)
        except Refusal as refusal:  # somebody reopened it meanwhile
            log.info("a conversation was not woken", code=refusal.code)
