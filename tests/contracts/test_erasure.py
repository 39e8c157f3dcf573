"""What every database must forget of a customer, and how: run against SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from domain.call import end
from domain.errors import Conflict, Forbidden, NotFound
from domain.fold import StreamState, fold
from domain.people import Customer, LeftMessage, Staff
from domain.profile import Item
from domain.record import Recording
from domain.search import Scope
from domain.stream import Device, Entry
from store.database import Database, open_database
from store.tables import metadata
from tests.contracts.test_attachments import PHOTO, THUMB, kept
from tests.support.databases import sqlite_address
from tests.support.kept import CALL, LIVE, NOW, PICTURE, SHOP, booking, message
from tests.support.said import device, note, said

MANAGER = Staff(id="s-1", shop_id="shop-1", username="u1", name="S1", role="manager", password_hash="-")
LATER = NOW + timedelta(days=1)
SECRETS = (
    "annlieb", "左脚鞋跟", "heelsecret", "notesecret", "callsecret", "mattersecret", "bookingsecret", "leftsecret",
    "contactsecret", "preferencesecret", "itemsecret", "filesecret", "phonesecret", "takenback",
)  # fmt: skip
FILM, LEFT_PHOTO = "e" * 64 + ".webm", "f" * 64 + ".jpg"


async def live(db: Database) -> None:
    """Ann's life with the shop, with a secret in every place that has words."""
    await db.people.put_customer(Customer(id="ann", shop_id="shop-1", name="annlieb", created_at=NOW))
    await db.conversations.device(Device(id="d-ann", person_id="ann", side="customer", name="phonesecret", made_at=NOW,
                                         seen_at=NOW))  # fmt: skip
    await db.conversations.append(said(1, author_name="annlieb", body={"text": "heelsecret 左脚鞋跟断了"}))
    await db.conversations.append(said(2, body={"text": "takenback"}))
    await db.conversations.append(said(3, kind="recall", body={"target": said(2).id}))
    await db.conversations.append(note(4, body={"text": "notesecret"}))
    await db.conversations.append(said(5, "s-1", body={"text": "We mend the heelsecret"}))
    file = await kept(db, name="filesecret.jpg")
    picture = said(6, kind="image", body={"attachment": file.id, "name": "filesecret.jpg", "caption": ""})
    await db.conversations.append(picture)
    call = CALL.model_copy(update={"customer_name": "annlieb", "matter": "mattersecret"})
    await db.calls.add(call)
    await db.calls.append(message(1, text="callsecret"))
    await db.calls.append(
        message(2).model_copy(update={"kind": "picture", "body": {"picture": {"id": PICTURE.id}}}), picture=PICTURE
    )
    await db.calls.append(
        message(3).model_copy(update={"kind": "booking", "body": {"booking": {"note": "bookingsecret"}}}),
        booking=booking(note="bookingsecret"),
    )
    over = end(LIVE.model_copy(update={"customer_name": "annlieb", "matter": "mattersecret"}), "staff_hung_up", LATER)
    await db.calls.change("call-1", lambda _: over)
    await db.calls.put_recording(Recording(call_id="call-1", state="ready", duration_s=3, files={"call": FILM}))
    await db.people.leave_message(
        LeftMessage(id="left-1", shop_id="shop-1", customer_id="ann", name="annlieb", contact="contactsecret",
                    text="leftsecret", picture_blob=LEFT_PHOTO, created_at=NOW)
    )  # fmt: skip
    await db.profiles.change_profile("ann", lambda profile: profile.model_copy(update={
        "preferences": "preferencesecret", "items": (Item(name="itemsecret", bought_on=date(2026, 1, 1)),)
    }))  # fmt: skip


async def everything(address: str) -> str:
    """Every row of every table, and of the index of words, as text."""
    engine = create_async_engine(
        address.replace("sqlite:", "sqlite+aiosqlite:").replace("postgresql:", "postgresql+asyncpg:")
    )
    async with engine.begin() as connection:
        found = [repr((await connection.execute(table.select())).all()) for table in metadata.sorted_tables]
        found.append(repr((await connection.execute(text("SELECT words FROM entry_words"))).all()))
    await engine.dispose()
    return "\n".join(found).lower()


@pytest.mark.usefixtures("store")
async def test_nothing_of_a_customers_words_is_left_in_any_table(db: Database, address: str) -> None:
    await live(db)
    await db.search.search("heelsecret", Scope(shop_id="shop-1"))  # the index is whole now
    before = await everything(address)
    assert [secret for secret in SECRETS if secret not in before] == ["takenback"]
    erasure = await db.data.erase("erasure-1", "ann", MANAGER, LATER)
    after = await everything(address)
    assert [secret for secret in SECRETS if secret in after] == []
    assert set(erasure.blobs) == {PHOTO, THUMB, PICTURE.blob, FILM, LEFT_PHOTO}
    assert erasure.calls == ("call-1",)
    assert set(await db.attachments.unnamed(erasure.blobs)) == set(erasure.blobs)
    assert await db.search.search("heelsecret", Scope(shop_id="shop-1")) == []
    assert await db.search.search("鞋跟", Scope(shop_id="shop-1", customer_id="ann")) == []


@pytest.mark.usefixtures("store")
async def test_who_held_the_entries_holds_after_the_erasure_what_the_store_holds(db: Database) -> None:
    await live(db)
    held = {
        stream: fold(StreamState(stream=stream), await db.conversations.entries(stream))
        for stream in ("c.ann", "n.ann")
    }
    heard: list[Entry] = []
    db.conversations.listen(lambda entries, _: heard.extend(entries))
    await db.data.erase("erasure-1", "ann", MANAGER, LATER)
    assert [(e.stream, e.kind) for e in heard] == [("c.ann", "erased"), ("n.ann", "erased")]
    for stream, state in held.items():
        told = fold(state, [entry for entry in heard if entry.stream == stream])
        assert told == fold(StreamState(stream=stream), await db.conversations.entries(stream))
        assert {entry.gone for entry in told.entries[:-1]} == {"erased"}
    row = (await db.conversations.listed("shop-1"))[0]
    assert (row.name, row.conversation.state, row.conversation.preview_kind) == ("-", "closed", "erased")


@pytest.mark.usefixtures("store")
async def test_an_erasure_is_made_once_and_waits_until_its_files_are_gone(db: Database) -> None:
    await live(db)
    first = await db.data.erase("erasure-1", "ann", MANAGER, LATER)
    head = await db.conversations.heads(["c.ann"])
    assert await db.data.erase("erasure-1", "ann", MANAGER, LATER + timedelta(days=1)) == first
    assert await db.conversations.heads(["c.ann"]) == head
    assert await db.data.unfinished() == [first]
    await db.data.finish("erasure-1", LATER)
    assert await db.data.unfinished() == []


@pytest.mark.usefixtures("store")
async def test_an_erasures_id_is_good_for_one_customer(db: Database) -> None:
    await live(db)
    await db.data.erase("erasure-1", "ann", MANAGER, LATER)
    with pytest.raises(Conflict):
        await db.data.erase("erasure-1", "bob", MANAGER, LATER)
    assert len(await db.data.unfinished()) == 1


@pytest.mark.usefixtures("store")
async def test_a_blob_that_somebody_else_names_stays(db: Database) -> None:
    await live(db)
    await kept(db, of="bob", blob=FILM)
    erasure = await db.data.erase("erasure-1", "ann", MANAGER, LATER)
    assert set(erasure.blobs) - set(await db.attachments.unnamed(erasure.blobs)) >= {FILM}


@pytest.mark.usefixtures("store")
async def test_the_devices_end_and_say_why_and_a_new_one_begins_anew(db: Database) -> None:
    await live(db)
    await db.data.erase("erasure-1", "ann", MANAGER, LATER)
    with pytest.raises(Forbidden) as refused:
        await db.conversations.device(device("ann").model_copy(update={"id": "d-ann", "seen_at": LATER}))
    assert refused.value.code == "erased"
    fresh = device("new", "ann", made_at=LATER + timedelta(days=1), seen_at=LATER + timedelta(days=1))
    assert (await db.conversations.device(fresh)).counter == 0
    await db.conversations.end_device(fresh.id, LATER)
    with pytest.raises(Forbidden) as refused:
        await db.conversations.device(fresh)
    assert refused.value.code == "ended"


@pytest.mark.usefixtures("store")
async def test_who_is_in_a_call_or_being_recorded_is_not_erased(db: Database) -> None:
    await db.calls.add(CALL)
    with pytest.raises(Conflict):
        await db.data.erase("erasure-1", "ann", MANAGER, LATER)
    await db.calls.change("call-1", lambda _: end(LIVE, "staff_hung_up", LATER))
    await db.calls.put_recording(Recording(call_id="call-1", state="finishing"))
    with pytest.raises(Conflict):
        await db.data.erase("erasure-1", "ann", MANAGER, LATER)
    with pytest.raises(NotFound):
        await db.data.erase("erasure-1", "nobody", MANAGER, LATER)
    assert await db.data.unfinished() == []


@pytest.mark.usefixtures("store")
async def test_a_recording_that_is_finished_after_the_erasure_is_not_kept(db: Database) -> None:
    await live(db)
    await db.data.erase("erasure-1", "ann", MANAGER, LATER)
    with pytest.raises(NotFound):
        await db.calls.put_recording(Recording(call_id="call-1", state="ready", files={"call": FILM}))
    assert (await db.calls.recording("call-1")).files == {}


def bytes_of(path: Path) -> bytes:
    files = [path.with_name(path.name + end) for end in ("", "-wal", "-journal")]
    return b"".join(file.read_bytes() for file in files if file.exists())


async def test_no_byte_of_the_words_is_left_in_the_file_of_sqlite_or_its_log(tmp_path: Path) -> None:
    address = sqlite_address(tmp_path)
    path = Path(address.removeprefix("sqlite:///"))
    async with open_database(address) as db:
        await db.people.add_shop(SHOP)
        await db.people.add_staff(MANAGER)
        for name in ("ann", "bob"):
            await db.people.put_customer(Customer(id=name, shop_id="shop-1", name=name.title(), created_at=NOW))
        for number in range(10, 400):  # many pages, written in turn by two
            whose = "ann" if number % 3 else "bob"
            words = f"heelsecret左脚鞋跟 {number} " if whose == "ann" else f"something else {number} "
            await db.conversations.append(
                said(number, whose, stream=f"c.{whose}", body={"text": words * (1 + number % 7)})
            )
            if number % 50 == 0:
                await db.search.search("heelsecret", Scope(shop_id="shop-1"))
        await live(db)
        await db.search.search("heelsecret", Scope(shop_id="shop-1"))
        assert all(secret.encode() in bytes_of(path) for secret in SECRETS if secret != "takenback")
        await db.data.erase("erasure-1", "ann", MANAGER, LATER)
        await db.data.scrub()
        left = bytes_of(path)
        assert [secret for secret in SECRETS if secret.encode() in left] == []
        assert len(await db.search.search("something", Scope(shop_id="shop-1"), limit=500)) == 130
