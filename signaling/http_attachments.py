"""Files of a conversation, for whoever may read it. They are shown or saved, never run."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel

from domain.attachment import Attachment
from domain.errors import NotFound
from domain.stream import conversation_stream
from signaling.chat_rights import ChatRights
from signaling.http_body import path_id, people_of
from signaling.http_context import FILES, HOUSE
from signaling.http_records import FILE_POLICY

NO_FILE = "There is no such file."
# What `media` made itself, and browsers show without running anything; all else is only saved.
SHOWN = frozenset(
    {
        "image/jpeg",
        "video/mp4",
        "video/webm",
        "audio/mp4",
        "audio/webm",
        "audio/mpeg",
        "audio/flac",
        "audio/wav",
    }
)


class FileView(BaseModel):
    """What the writer of a message needs: `kind` is the kind of entry that may carry it, beside `file`."""

    id: str
    kind: str
    name: str
    bytes: int


def file_view(kept: Attachment) -> FileView:
    return FileView(id=kept.id, kind=kept.kind, name=kept.name, bytes=kept.bytes)


def add_attachments(app: web.Application) -> None:
    attachment = "/api/attachments/{id:[0-9a-f]{40}}"
    app.router.add_get(attachment, _file)
    app.router.add_get(attachment + "/thumb.jpg", _thumb)


async def _file(request: web.Request) -> web.StreamResponse:
    kept = await _readable(request)
    mime = kept.mime if kept.mime in SHOWN else "application/octet-stream"
    if kept.mime == "application/pdf":
        mime = kept.mime  # so that it is saved as one; it is not shown here either
    disposition = "inline" if kept.mime in SHOWN else "attachment"
    headers = _headers(mime, f"{disposition}; {named(kept.name or kept.kind)}")
    return web.FileResponse(await request.app[HOUSE].blobs.path(kept.blob), headers=headers)


async def _thumb(request: web.Request) -> web.StreamResponse:
    kept = await _readable(request)
    if kept.thumb is None:
        raise NotFound(NO_FILE)
    path = await request.app[HOUSE].blobs.path(kept.thumb)
    return web.FileResponse(path, headers=_headers("image/jpeg", "inline"))


async def _readable(request: web.Request) -> Attachment:
    """Raises NotFound, the same for one that is unknown, another's, taken back, or not sent yet and of somebody else."""
    people = await people_of(request)
    try:
        kept = await request.app[FILES].attachment(path_id(request))
    except NotFound:
        raise NotFound(NO_FILE) from None
    rights = ChatRights(request.app[HOUSE].people)
    for person in people:
        if (kept.uses or kept.owner == person.id) and await rights.may_open(
            person, conversation_stream(kept.conversation_id)
        ):
            return kept
    raise NotFound(NO_FILE)


def _headers(mime: str, disposition: str) -> dict[str, str]:
    # asked for again each time: it may have been taken back, and the browser another's
    return {
        "Content-Type": mime,
        "Content-Disposition": disposition,
        "Content-Security-Policy": FILE_POLICY,
        "Cache-Control": "private, no-cache",
    }


def named(name: str) -> str:
    """RFC 6266: a plain name for those who know no other, and the whole one."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in " ._-()") else "_" for c in name)
    return f"filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
