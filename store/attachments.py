"""`domain.attachment.AttachmentStore` in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Text, cast, delete, func, insert, select, update

from domain.attachment import QUOTA_BYTES, Attachment, Removed, Upload
from domain.errors import Conflict, NotFound
from store import conversation_tables as t
from store import tables
from store.among import Among
from store.rows import insert_into, many, one, row_of, value_of
from store.transactions import Transactions

NO_UPLOAD = "This upload is not known here. Begin it again."
NO_FILE = "There is no such file."
NO_CONVERSATION = "There is no such conversation."
NO_ROOM = "There is no room left for files of this conversation. Ask the shop to remove some."
SWEPT_AT_ONCE = 200
NAMED = (
    Among(t.attachments.c.blob),
    Among(t.attachments.c.thumb),
    Among(tables.pictures.c.blob),
    Among(tables.left_messages.c.picture_blob),
)


class SqlAttachments:
    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def begin(self, upload: Upload, *, quota_bytes: int = QUOTA_BYTES) -> Upload | Attachment:
        return await self._transactions.write(lambda c: _begin(c, upload, quota_bytes))

    async def upload(self, upload_id: str) -> Upload:
        statement = select(t.uploads).where(t.uploads.c.id == upload_id)
        return await self._transactions.read(lambda c: one(c, statement, Upload, NO_UPLOAD))

    async def drop_upload(self, upload_id: str) -> None:
        await self._transactions.write(lambda c: c.execute(delete(t.uploads).where(t.uploads.c.id == upload_id)))

    async def finish(self, attachment: Attachment, *, quota_bytes: int = QUOTA_BYTES) -> Attachment:
        return await self._transactions.write(lambda c: _finish(c, attachment, quota_bytes))

    async def attachment(self, attachment_id: str) -> Attachment:
        statement = select(t.attachments).where(t.attachments.c.id == attachment_id)
        return await self._transactions.read(lambda c: one(c, statement, Attachment, NO_FILE))

    async def of(self, conversation_id: str) -> list[Attachment]:
        return await self._transactions.read(lambda c: of_conversation(c, conversation_id))

    async def delete_of(self, conversation_id: str) -> Removed:
        return await self._transactions.write(lambda c: delete_of(c, conversation_id))

    async def sweep(self, before: datetime) -> Removed:
        return await self._transactions.write(lambda c: _sweep(c, before))

    async def unnamed(self, blobs: Sequence[str]) -> list[str]:
        return await self._transactions.write(lambda c: unnamed(c, blobs))


def of_conversation(connection: Connection, conversation_id: str) -> list[Attachment]:
    table = t.attachments
    statement = select(table).where(table.c.conversation_id == conversation_id)
    return many(connection, statement.order_by(table.c.made_at, table.c.id), Attachment)


def delete_of(connection: Connection, conversation_id: str) -> Removed:
    """Within a transaction of the caller's, who deletes the blobs when it is on the disk."""
    uploads = delete(t.uploads).where(t.uploads.c.conversation_id == conversation_id).returning(t.uploads.c.id)
    dropped = tuple(connection.execute(uploads).scalars())
    table = t.attachments
    files = delete(table).where(table.c.conversation_id == conversation_id).returning(table.c.blob, table.c.thumb)
    blobs = {name for row in connection.execute(files) for name in row if name}
    return Removed(uploads=dropped, blobs=tuple(unnamed(connection, sorted(blobs))))


def unnamed(connection: Connection, blobs: Sequence[str]) -> list[str]:
    """Those of these blobs that no table names."""
    named = {value for among in NAMED for row in among.rows(connection, blobs) for value in row if value in blobs}
    return [blob for blob in blobs if blob not in named and not _is_recording(connection, blob)]


def _is_recording(connection: Connection, blob: str) -> bool:
    files = cast(tables.recordings.c.files, Text)
    return connection.execute(select(1).where(files.contains(blob, autoescape=True)).limit(1)).first() is not None


def _begin(connection: Connection, upload: Upload, quota_bytes: int) -> Upload | Attachment:
    _in_turn(connection, upload.conversation_id)
    # locked: a sweep leaves it alone, or was faster, and then it is begun anew
    same = select(t.attachments).where(t.attachments.c.id == upload.id).with_for_update()
    kept = connection.execute(same).one_or_none()
    if kept is not None:
        again = update(t.attachments).where(t.attachments.c.id == upload.id, t.attachments.c.uses == 0)
        connection.execute(again.values(made_at=upload.made_at))
        return value_of(Attachment, kept)
    begun = connection.execute(select(t.uploads).where(t.uploads.c.id == upload.id)).one_or_none()
    if begun is not None:
        return value_of(Upload, begun)
    _require_room(connection, upload.conversation_id, upload.bytes, quota_bytes)
    connection.execute(insert(t.uploads).values(row_of(upload, t.uploads)))
    return upload


def _in_turn(connection: Connection, conversation_id: str) -> None:
    """Two at once count their bytes one after the other."""
    customer = select(tables.customers.c.id).where(tables.customers.c.id == conversation_id)
    if connection.execute(customer.with_for_update(key_share=True)).first() is None:
        raise NotFound(NO_CONVERSATION)


def _require_room(connection: Connection, conversation_id: str, size: int, quota_bytes: int) -> None:
    used = sum(
        connection.execute(
            select(func.coalesce(func.sum(table.c.bytes), 0)).where(table.c.conversation_id == conversation_id)
        ).scalar_one()
        for table in (t.attachments, t.uploads)
    )
    if int(used) + size > quota_bytes:
        raise Conflict(NO_ROOM, code="quota")


def _finish(connection: Connection, attachment: Attachment, quota_bytes: int) -> Attachment:
    _in_turn(connection, attachment.conversation_id)
    gone = delete(t.uploads).where(t.uploads.c.id == attachment.id).returning(t.uploads.c.id)
    is_first = connection.execute(gone).first() is not None
    if is_first:
        _require_room(connection, attachment.conversation_id, attachment.bytes, quota_bytes)
        row = row_of(attachment, t.attachments)
        connection.execute(insert_into(connection, t.attachments).values(row).on_conflict_do_nothing())
    statement = select(t.attachments).where(t.attachments.c.id == attachment.id)
    return one(connection, statement, Attachment, NO_UPLOAD)


def _sweep(connection: Connection, before: datetime) -> Removed:
    uploads = delete(t.uploads).where(t.uploads.c.made_at < before).returning(t.uploads.c.id)
    dropped = tuple(connection.execute(uploads).scalars())
    table = t.attachments
    unused = select(table.c.id).where(table.c.uses == 0, table.c.made_at < before).limit(SWEPT_AT_ONCE)
    # whoever is naming one right now has locked it: it is left alone, and nobody waits in a circle
    ids = list(connection.execute(unused.with_for_update(skip_locked=True)).scalars())
    files = delete(table).where(table.c.id.in_(ids)).returning(table.c.blob, table.c.thumb)
    blobs = {name for row in connection.execute(files) for name in row if name} if ids else set()
    return Removed(uploads=dropped, blobs=tuple(unnamed(connection, sorted(blobs))))
