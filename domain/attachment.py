"""Files of a conversation: what is on its way here, what is kept, and the rules for both."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

AttachmentKind = Literal["image", "voice", "video", "file"]

CHUNK_BYTES = 1024 * 1024
MAX_BYTES = 100 * 1024 * 1024  # a minute of a phone's video in full HD
QUOTA_BYTES = 1024 * 1024 * 1024  # of one conversation, what is on its way counts, too
# What is not finished by then, and what no message has named by then, is forgotten.
UNUSED_FOR = timedelta(hours=24)
MAX_NAME = 200

_NO_NAME = re.compile(r"[\x00-\x1f\x7f/\\<>:\"|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}$")


class Upload(BaseModel):
    """A file that is on its way. `bytes` and `sha256` (64 hexadecimal digits) are what its sender says of it."""

    model_config = ConfigDict(frozen=True)
    id: str
    person_id: str
    conversation_id: str
    sha256: str
    bytes: int
    name: str
    made_at: datetime


class Attachment(BaseModel):
    """A kept file. `blob` and `thumb` (a small JPEG) are names in the blob store; `wave` are the loudest moments of a
    sound, 0-100; `uses` are the entries that name it: while there are none, only its owner may see it."""

    model_config = ConfigDict(frozen=True)
    id: str
    conversation_id: str
    owner: str
    blob: str
    kind: AttachmentKind
    mime: str
    name: str = Field(max_length=MAX_NAME)
    bytes: int
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    thumb: str | None = None
    wave: list[int] | None = None
    made_at: datetime
    uses: int = 0


class Removed(BaseModel):
    """What was forgotten: ids of uploads, whose parts may go, and names of blobs that nothing names any more."""

    model_config = ConfigDict(frozen=True)
    uploads: tuple[str, ...] = ()
    blobs: tuple[str, ...] = ()


class AttachmentStore(Protocol):
    """A blob's file is deleted only after the transaction that named it last: until then nothing may point nowhere."""

    async def begin(self, upload: Upload, *, quota_bytes: int = QUOTA_BYTES) -> Upload | Attachment:
        """Inserts it, or returns what has this id already: a kept file stays unused for another day then. Raises
        Conflict (code `quota`) when the conversation has no room for it, NotFound for an unknown conversation."""

    async def upload(self, upload_id: str) -> Upload: ...
    async def drop_upload(self, upload_id: str) -> None:
        """One that is not there is already dropped: no error."""

    async def finish(self, attachment: Attachment, *, quota_bytes: int = QUOTA_BYTES) -> Attachment:
        """The upload of this id has become a file. Raises NotFound when it was dropped meanwhile, Conflict (code `quota`)
        when it has become too large for the conversation's room: the upload is still there then."""

    async def attachment(self, attachment_id: str) -> Attachment: ...
    async def of(self, conversation_id: str) -> list[Attachment]:
        """All files of a conversation, oldest first, those that were taken back and are not swept yet too."""

    async def delete_of(self, conversation_id: str) -> Removed:
        """Forgets all files and uploads of a conversation. The entries that named them are the caller's."""

    async def sweep(self, before: datetime) -> Removed:
        """Forgets what was begun, or kept, before then and is named by no entry."""

    async def unnamed(self, blobs: Sequence[str]) -> list[str]:
        """Those that nothing names: no file of a conversation, no picture, recording or left message."""


def upload_id(conversation_id: str, person_id: str, sha256: str) -> str:
    """The same content of the same person has one id in a conversation: what was begun is resumed, what is kept is
    kept once, without the sender remembering anything."""
    return hashlib.sha256(f"{conversation_id}\n{person_id}\n{sha256}".encode()).hexdigest()[:40]


def clean_name(name: str, suffix: str = "") -> str:
    """A name to show and to save under: no path, no control or direction marks; `suffix` replaces its own. May be empty."""
    plain = _NO_NAME.sub(" ", name).strip(" .")
    if suffix:
        stem = _SUFFIX.sub("", plain)[: MAX_NAME - len(suffix)]
        plain = stem and stem + suffix
    return plain[:MAX_NAME]
