"""One customer's data as a zip that is made while it is sent: at most a chunk of it is ever in memory.

`customer.json` is everything, `conversation.html` the same for people, in the customer's language, and `media/` the files that both
name. `files.json`, the last, says of each file how long it is, or that it was gone before it was reached: an erasure may come while this
is made. Internal notes are in it: they, too, tell of the customer.
"""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel

from domain.customer_data import CustomerData, CustomerRecord
from domain.errors import NotFound
from domain.people import Shop
from domain.profile import Profile
from domain.stream import Entry, conversation_stream, notes_stream
from signaling.export_page import FOOT, head, line, section
from signaling.house import House

CHUNK_BYTES = 256 * 1024
ENTRIES_AT_ONCE = 500
EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time that a zip knows: the same data is the same file


class Export:
    def __init__(self, house: House, data: CustomerData) -> None:
        self._house = house
        self._data = data

    async def begin(self, customer_id: str) -> ExportedZip:
        """Raises NotFound for an unknown customer, before anything is sent."""
        record = await self._data.record(customer_id)
        shop = await self._house.people.shop(record.customer.shop_id)
        profile = await self._house.profiles.profile(customer_id)
        return ExportedZip(self._house, self._data, record, shop, profile)


@dataclass(frozen=True, slots=True)
class ExportedZip:
    house: House
    data: CustomerData
    record: CustomerRecord
    shop: Shop
    profile: Profile

    async def chunks(self) -> AsyncIterator[bytes]:
        out = _Pipe()
        names = media_names(self.record)
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, texts in (("customer.json", self._json(names)), ("conversation.html", self._html(names))):
                with archive.open(_entry(name, zipfile.ZIP_DEFLATED), "w") as file:
                    async for text in texts:
                        file.write(text.encode())
                        if out.size >= CHUNK_BYTES:
                            yield out.take()
            kept: dict[str, Any] = {}
            for blob, name in names.items():
                source = await self._opened(blob)
                kept[name] = {"gone": True} if source is None else {"bytes": 0}
                if source is None:
                    continue
                with source, archive.open(_entry(name, zipfile.ZIP_STORED), "w", force_zip64=True) as file:
                    while chunk := await asyncio.to_thread(source.read, CHUNK_BYTES):
                        kept[name]["bytes"] += file.write(chunk)
                        yield out.take()
            archive.writestr(_entry("files.json", zipfile.ZIP_DEFLATED), json.dumps(kept, indent=1))
        yield out.take()

    async def _opened(self, blob: str) -> BinaryIO | None:
        """None for one that was erased, or lost: the rest is still the customer's. Once open it is read to its end."""
        try:
            return await asyncio.to_thread((await self.house.blobs.path(blob)).open, "rb")
        except (NotFound, FileNotFoundError):
            return None

    async def _json(self, names: dict[str, str]) -> AsyncIterator[str]:
        record = self.record
        yield "{\n" + _field("made_at", self.house.now().isoformat())
        yield _field("shop", {"name": self.shop.name, "name_zh": self.shop.name_zh, "time_zone": self.shop.time_zone})
        yield _field("customer", _plain(record.customer)) + _field("profile", _plain(self.profile))
        for name, stream in (("conversation", conversation_stream), ("notes", notes_stream)):
            yield f"{json.dumps(name)}: [\n"
            before = ""
            async for entry in self._entries(stream(record.customer.id)):
                yield before + json.dumps(_shown(entry), ensure_ascii=False)
                before = ",\n"
            yield "\n],\n"
        yield '"calls": [\n'
        for number, call in enumerate(record.calls):
            events = [_plain(event) for event in await self.data.events(call.id)]
            pictures = [_with_file(p, p.blob, names) for p in record.pictures if p.call_id == call.id]
            recording = next((r for r in record.recordings if r.call_id == call.id), None)
            files = {} if recording is None else {name: names[blob] for name, blob in recording.files.items()}
            told = {**_plain(call), "events": events, "pictures": pictures, "recording": files}
            yield (",\n" if number else "") + json.dumps(told, ensure_ascii=False)
        yield "\n],\n" + _field("bookings", [_plain(booking) for booking in record.bookings])
        left = [_with_file(message, message.picture_blob, names) for message in record.left_messages]
        yield _field("left_messages", left) + _field("devices", [_plain(device) for device in record.devices])
        files_ = [_with_file(attachment, attachment.blob, names) for attachment in record.attachments]
        yield '"files": ' + json.dumps(files_, ensure_ascii=False) + "\n}\n"

    async def _html(self, names: dict[str, str]) -> AsyncIterator[str]:
        language, zone = self.record.customer.language, self.shop.time_zone
        media = {a.id: names[a.blob] for a in self.record.attachments}
        media |= {p.id: names[p.blob] for p in self.record.pictures}
        films = {r.call_id: [names[blob] for blob in r.files.values()][:1] for r in self.record.recordings}
        media |= {call_id: film[0] for call_id, film in films.items() if film}
        yield head(language, self.shop, self.profile, self.house.now())
        for name, stream in (("conversation", conversation_stream), ("notes", notes_stream)):
            yield section(language, name)
            async for entry in self._entries(stream(self.record.customer.id)):
                yield line(language, zone, entry, media)
        yield FOOT

    async def _entries(self, stream: str) -> AsyncIterator[Entry]:
        after = 0
        while page := await self.house.conversations.entries(stream, after=after, limit=ENTRIES_AT_ONCE):
            for entry in page:
                yield entry
            after = page[-1].position


def media_names(record: CustomerRecord) -> dict[str, str]:
    """Each blob's name in the zip: numbered, so that no name of a person's choosing can be a path or come twice."""
    blobs = dict.fromkeys(_blobs(record))
    return {blob: f"media/{number:04d}{Path(blob).suffix}" for number, blob in enumerate(blobs, 1)}


def _blobs(record: CustomerRecord) -> Iterator[str]:
    for attachment in record.attachments:
        yield attachment.blob
    for picture in record.pictures:
        yield picture.blob
    for recording in record.recordings:
        yield from recording.files.values()
    for message in record.left_messages:
        if message.picture_blob:
            yield message.picture_blob


class _Pipe(io.RawIOBase):
    """What a zip is written to: it cannot be sought, and is emptied as it is sent."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._chunks.append(bytes(data))
        self.size += len(data)
        return len(data)

    def take(self) -> bytes:
        taken, self._chunks, self.size = b"".join(self._chunks), [], 0
        return taken


def _entry(name: str, kind: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = kind
    entry.external_attr = 0o600 << 16
    return entry


def _plain(value: BaseModel) -> dict[str, Any]:
    return value.model_dump(mode="json", exclude={"blob", "thumb", "picture_blob", "session", "shop_id"})


def _with_file(value: BaseModel, blob: str | None, names: dict[str, str]) -> dict[str, Any]:
    return {**_plain(value), "file": names[blob] if blob else None}


def _shown(entry: Entry) -> dict[str, Any]:
    return entry.model_dump(mode="json", exclude={"stream", "device", "counter", "digest"})


def _field(name: str, value: object) -> str:
    return f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)},\n"
