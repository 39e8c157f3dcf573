"""What every store of attachments promises: quota, one file for one content, nothing left of what is forgotten."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from domain.attachment import Attachment, Upload, upload_id
from domain.errors import Conflict, Invalid, NotFound, NotReady
from domain.people import LeftMessage
from domain.stream import Device, Entry, EntryKind, NewEntry
from store.database import Database
from tests.support.kept import NOW, SHOP

DAY = timedelta(days=1)
PHOTO, THUMB, SOUND = "a" * 64 + ".jpg", "b" * 64 + ".jpg", "c" * 64 + ".webm"


def upload(
    content: str = "1", *, of: str = "ann", size: int = 100, sha256: str | None = None, **changes: Any
) -> Upload:
    sha256 = sha256 or content * 64
    fields = {
        "id": upload_id(of, of, sha256), "person_id": of, "conversation_id": of, "sha256": sha256,
        "bytes": size, "name": "heel.jpg", "made_at": NOW, **changes,
    }  # fmt: skip
    return Upload.model_validate(fields)


def file_of(begun: Upload, **changes: Any) -> Attachment:
    fields = {
        "id": begun.id, "conversation_id": begun.conversation_id, "owner": begun.person_id, "blob": PHOTO,
        "kind": "image", "mime": "image/jpeg", "name": begun.name, "bytes": 90, "width": 4, "height": 3,
        "thumb": THUMB, "made_at": begun.made_at, **changes,
    }  # fmt: skip
    return Attachment.model_validate(fields)


async def kept(
    db: Database, content: str = "1", *, of: str = "ann", sha256: str | None = None, **changes: Any
) -> Attachment:
    begun = upload(content, of=of, sha256=sha256)
    await db.attachments.begin(begun)
    return await db.attachments.finish(file_of(begun, **changes))


class Phone:
    """Writes as one device of a customer."""

    def __init__(self, db: Database, customer_id: str = "ann") -> None:
        self.db, self.customer_id, self.n = db, customer_id, 0

    async def write(self, kind: EntryKind, body: dict[str, Any]) -> Entry:
        await self.db.conversations.device(
            Device(id=f"d-{self.customer_id}", person_id=self.customer_id, side="customer", made_at=NOW, seen_at=NOW)
        )
        entry = NewEntry(
            stream=f"c.{self.customer_id}", id=f"m-{self.n + 1}", kind=kind, author=self.customer_id, side="customer",
            author_name="Ann", at=NOW, body=body, device=f"d-{self.customer_id}", counter=self.n + 1,
        )  # fmt: skip
        written = (await self.db.conversations.append(entry)).entry
        self.n += 1
        return written


async def test_what_was_begun_is_resumed_and_what_is_kept_is_kept_once(db: Database) -> None:
    begun = await db.attachments.begin(upload())
    assert await db.attachments.begin(upload(name="another name", made_at=NOW + DAY)) == begun
    assert await db.attachments.upload(begun.id) == begun
    made = await db.attachments.finish(file_of(begun))
    assert await db.attachments.finish(file_of(begun, blob=SOUND)) == made
    with pytest.raises(NotFound):
        await db.attachments.upload(begun.id)
    again = await db.attachments.begin(upload(made_at=NOW + DAY))
    assert isinstance(again, Attachment)
    assert (again.id, again.blob) == (made.id, PHOTO)
    assert [each.id for each in await db.attachments.of("ann")] == [made.id]


async def test_a_dropped_upload_never_becomes_a_file(db: Database) -> None:
    begun = upload()
    await db.attachments.begin(begun)
    await db.attachments.drop_upload(begun.id)
    await db.attachments.drop_upload(begun.id)
    with pytest.raises(NotFound):
        await db.attachments.finish(file_of(begun))
    assert await db.attachments.of("ann") == []


async def test_files_and_uploads_together_stay_within_the_quota_also_when_begun_at_once(db: Database) -> None:
    await kept(db, "0", wave=[1, 2])
    begun = [db.attachments.begin(upload(str(n)), quota_bytes=400) for n in range(1, 9)]
    answers = await asyncio.gather(*begun, return_exceptions=True)
    refused = [each for each in answers if isinstance(each, Conflict)]
    assert len(refused) == 5
    assert {each.code for each in refused} == {"quota"}
    assert isinstance(await db.attachments.begin(upload(of="bob"), quota_bytes=400), Upload)
    with pytest.raises(NotFound):
        await db.attachments.begin(upload(of="nobody"))


async def test_files_that_grow_when_they_are_finished_stay_within_the_quota_together(db: Database) -> None:
    begun = [upload(str(n), size=10) for n in range(1, 6)]
    for each in begun:
        await db.attachments.begin(each, quota_bytes=400)
    files = [file_of(each, blob=str(n) * 64, thumb=None, bytes=150) for n, each in enumerate(begun)]
    finished = [db.attachments.finish(file, quota_bytes=400) for file in files]
    answers = await asyncio.gather(*finished, return_exceptions=True)
    assert {each.code for each in answers if isinstance(each, Conflict)} == {"quota"}
    kept_files = await db.attachments.of("ann")
    assert len(kept_files) == sum(isinstance(each, Attachment) for each in answers) == 2
    refused = {each.id for each in begun} - {each.id for each in kept_files}
    assert {(await db.attachments.upload(each)).id for each in refused} == refused


async def test_a_message_is_refused_until_its_file_is_finished_and_when_it_is_anothers(db: Database) -> None:
    phone, begun = Phone(db), upload()
    await db.attachments.begin(begun)
    with pytest.raises(NotReady):
        await phone.write("image", {"attachment": begun.id})
    await db.attachments.finish(file_of(begun))
    with pytest.raises(Invalid, match="image"):
        await phone.write("voice", {"attachment": begun.id})
    with pytest.raises(NotReady):
        await Phone(db, "bob").write("image", {"attachment": begun.id})
    entry = await phone.write("image", {"attachment": begun.id})
    assert entry.body["file"]["has_thumb"] is True
    assert (await db.attachments.attachment(begun.id)).uses == 1


async def test_only_what_no_entry_names_is_swept(db: Database) -> None:
    phone = Phone(db)
    named, unused, recalled = await kept(db), await kept(db, "2", blob=SOUND, thumb=None), await kept(db, "3")
    await db.attachments.begin(upload("4"))
    await phone.write("image", {"attachment": named.id})
    entry = await phone.write("image", {"attachment": recalled.id})
    assert (await db.attachments.sweep(NOW)).uploads == ()  # all of them are too young
    await phone.write("recall", {"target": entry.id})
    assert (await db.attachments.attachment(recalled.id)).uses == 0
    removed = await db.attachments.sweep(NOW + DAY)
    assert (removed.uploads, removed.blobs) == ((upload("4").id,), (SOUND,))  # the photo is named by the first one
    assert [each.id for each in await db.attachments.of("ann")] == [named.id]
    with pytest.raises(NotFound):
        await db.attachments.attachment(unused.id)


async def test_one_customers_files_are_deleted_and_a_blob_stays_while_anything_names_it(db: Database) -> None:
    await kept(db)
    await kept(db, "2", blob=SOUND, thumb=None)
    await db.attachments.begin(upload("3"))
    bobs = await kept(db, of="bob", thumb=None)
    photo = LeftMessage(
        id="l-1", shop_id=SHOP.id, customer_id="bob", name="Bob", text="Look", picture_blob=THUMB, created_at=NOW
    )
    await db.people.leave_message(photo)
    removed = await db.attachments.delete_of("ann")
    assert (removed.uploads, removed.blobs) == ((upload("3").id,), (SOUND,))
    assert await db.attachments.of("ann") == []
    assert await db.attachments.of("bob") == [bobs]
    assert (await db.attachments.delete_of("bob")).blobs == (PHOTO,)
    assert await db.attachments.unnamed([PHOTO, THUMB]) == [PHOTO]


async def test_a_file_is_either_swept_or_named_by_the_message_that_comes_meanwhile(db: Database) -> None:
    phone = Phone(db)
    for number in range(30):
        blob = f"{number:064}.jpg"
        file = await kept(db, sha256=f"{number:064}", blob=blob, thumb=None)
        swept, written = await asyncio.gather(
            db.attachments.sweep(NOW + DAY), phone.write("image", {"attachment": file.id}), return_exceptions=True
        )
        assert not isinstance(swept, BaseException)
        if isinstance(written, NotReady):
            assert swept.blobs == (blob,)
            continue
        assert not isinstance(written, BaseException), written
        assert swept.blobs == ()
        assert (await db.attachments.attachment(file.id)).uses == 1
        assert await db.attachments.unnamed([blob]) == []


async def test_a_file_that_is_begun_again_while_it_is_swept_is_there_or_begun_anew(db: Database) -> None:
    for number in range(60):
        file = await kept(db, sha256=f"{number:064}", blob=f"{number:064}.jpg", thumb=None)
        again = upload(sha256=f"{number:064}", made_at=NOW + 2 * DAY)
        begun, swept = await asyncio.gather(db.attachments.begin(again), db.attachments.sweep(NOW + DAY))
        if isinstance(begun, Attachment):
            assert swept.blobs == ()
            assert (await db.attachments.attachment(file.id)).blob == file.blob
        else:
            assert swept.blobs == (file.blob,)
            assert (await db.attachments.upload(file.id)).made_at == again.made_at
