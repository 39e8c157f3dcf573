"""Devices, codes, sessions that were signed out, and the epoch."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.conversation_ports import ConversationStore
from domain.errors import NotFound
from store.database import open_database
from tests.support.kept import NOW
from tests.support.said import device


async def test_a_code_lets_one_device_in_once_and_not_for_ever(store: ConversationStore) -> None:
    await store.put_code("hash-1", "ann", NOW + timedelta(minutes=5))
    await store.put_code("hash-2", "ann", NOW + timedelta(minutes=5))
    assert await store.use_code("hash-1", NOW) == "ann"
    for code, at in (("hash-1", NOW), ("none", NOW), ("hash-2", NOW + timedelta(minutes=5))):
        with pytest.raises(NotFound):
            await store.use_code(code, at)


async def test_a_persons_devices_are_listed_until_they_are_ended(store: ConversationStore) -> None:
    await store.device(device("ann", name="Phone"))
    await store.device(device("two", "ann", seen_at=NOW + timedelta(hours=2)))
    await store.device(device("ann", name="Phone", seen_at=NOW + timedelta(hours=3)))
    assert [d.id for d in await store.devices_of("ann")] == ["device-ann", "device-two"]
    await store.end_device("device-ann", NOW)
    assert [d.id for d in await store.devices_of("ann")] == ["device-two"]


async def test_the_epoch_lasts_until_it_is_renewed(address: str) -> None:
    async with open_database(address) as db:
        first = await db.conversations.epoch()
    async with open_database(address) as db:
        assert await db.conversations.epoch() == first
        renewed = await db.conversations.renew_epoch()
        assert renewed != first
        assert await db.conversations.epoch() == renewed


async def test_a_session_that_was_signed_out_stays_so(store: ConversationStore) -> None:
    assert not await store.has_signed_out("session-1")
    await store.sign_out("session-1", NOW)
    await store.sign_out("session-1", NOW + timedelta(days=1))
    await store.sign_out("session-2", NOW + timedelta(days=2))
    assert await store.has_signed_out("session-1")
    assert await store.signed_out_since(NOW) == ["session-1", "session-2"]
    assert await store.signed_out_since(NOW + timedelta(seconds=1)) == ["session-2"]


async def test_ending_a_device_signs_out_the_session_that_it_last_came_with(store: ConversationStore) -> None:
    await store.device(device("ann", session="session-1"))
    await store.device(device("ann", session="session-2"))
    await store.device(device("ann"))  # by a call's data channel, which has none
    assert await store.end_device("device-ann", NOW) == "session-2"
    assert await store.has_signed_out("session-2")
    assert not await store.has_signed_out("session-1")
    assert await store.end_device("device-ann", NOW) == "session-2"
    await store.device(device("bob"))
    assert await store.end_device("device-bob", NOW) == ""


async def test_what_a_browser_was_before_it_forgot_can_be_ended_without_its_session(store: ConversationStore) -> None:
    later = NOW + timedelta(minutes=1)
    await store.device(device("then", "ann", session="session-1"))
    await store.device(device("now", "ann", session="session-1", seen_at=later))
    assert await store.end_device("device-then", later, asked_by="session-1") == ""
    assert not await store.has_signed_out("session-1")
    assert await store.end_device("device-now", later, asked_by="session-1") == "session-1"
    assert await store.has_signed_out("session-1")


async def test_from_elsewhere_every_device_of_a_session_ends_it(store: ConversationStore) -> None:
    await store.device(device("then", "ann", session="session-1"))
    await store.device(device("now", "ann", session="session-1", seen_at=NOW + timedelta(minutes=1)))
    assert await store.end_device("device-then", NOW, asked_by="session-2") == "session-1"
