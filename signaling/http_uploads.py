"""Sending a file in parts: begin, send chunk after chunk, go on where it was cut, say that it is done."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from domain.attachment import CHUNK_BYTES, Attachment, Upload, clean_name, upload_id
from domain.errors import Invalid, NotFound, TooLarge
from domain.people import Customer, Staff
from domain.stream import conversation_stream
from signaling.chat_rights import ChatRights, unknown
from signaling.http_attachments import FileView, file_view
from signaling.http_body import Body, PathId, Words, json_answer, path_id, people_of, read_bytes, read_json
from signaling.http_context import ARRIVALS, FILES, HOUSE, UPLOADING

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
NO_UPLOAD = "There is no such upload. Begin it again."


class UploadBody(Body):
    """`sha256`: lower-case hexadecimal, of the whole file."""

    conversation: PathId
    sha256: Sha256
    bytes: int = Field(ge=1)
    name: Words = Field(default="", max_length=300)


class UploadView(BaseModel):
    """`offset`: how much of it is here. `attachment`: it is kept, nothing is left to send."""

    upload: str
    offset: int
    attachment: FileView | None = None


def add_uploads(app: web.Application) -> None:
    upload = "/api/uploads/{id:[0-9a-f]{40}}"
    app.router.add_post("/api/uploads", _begin)
    app.router.add_get(upload, _look)
    app.router.add_put(upload, _add)
    app.router.add_post(upload + "/done", _done)
    app.router.add_delete(upload, _drop)


async def _begin(request: web.Request) -> web.Response:
    """The same file again goes on where it stopped, or is answered at once when it is kept."""
    house = request.app[HOUSE]
    body = await read_json(request, UploadBody)
    person = await _writer(request, body.conversation)
    request.app[UPLOADING].take(person.id, house.now())
    if body.bytes > house.settings.max_attachment_bytes:
        raise TooLarge(f"A file may have {house.settings.max_attachment_bytes // 1024**2} MB. Send a smaller one.")
    begun = await request.app[FILES].begin(
        Upload(
            id=upload_id(body.conversation, person.id, body.sha256),
            person_id=person.id,
            conversation_id=body.conversation,
            sha256=body.sha256,
            bytes=body.bytes,
            name=clean_name(body.name),
            made_at=house.now(),
        ),
        quota_bytes=house.settings.conversation_quota_bytes,
    )
    if isinstance(begun, Attachment):
        return json_answer(UploadView(upload=begun.id, offset=body.bytes, attachment=file_view(begun)))
    if begun.bytes != body.bytes:
        raise Invalid("This file has another size than when it was begun. Choose it again.", code="unusable_file")
    return json_answer(UploadView(upload=begun.id, offset=await request.app[ARRIVALS].arrived(begun)))


async def _look(request: web.Request) -> web.Response:
    upload = await _own(request)
    return json_answer(UploadView(upload=upload.id, offset=await request.app[ARRIVALS].arrived(upload)))


async def _add(request: web.Request) -> web.Response:
    """A chunk is kept whole or not at all. At another offset than the next: `expect`, with the right one."""
    upload = await _own(request)
    text = request.query.get("offset", "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Invalid("Say with ?offset= where in the file this chunk begins.")
    data = await read_bytes(request, limit=CHUNK_BYTES)
    return json_answer(UploadView(upload=upload.id, offset=await request.app[ARRIVALS].add(upload, int(text), data)))


async def _done(request: web.Request) -> web.Response:
    """Asked again after a lost answer, it is answered the same."""
    try:
        upload = await _own(request)
    except NotFound:
        kept = await _kept(request)
    else:
        kept = await request.app[ARRIVALS].finish(upload)
    return json_answer(UploadView(upload=kept.id, offset=kept.bytes, attachment=file_view(kept)))


async def _drop(request: web.Request) -> web.Response:
    upload = await _own(request)
    await request.app[ARRIVALS].drop(upload)
    return json_answer(UploadView(upload=upload.id, offset=0))


async def _own(request: web.Request) -> Upload:
    """Raises NotFound for one that is unknown or another's: both say the same."""
    try:
        upload = await request.app[FILES].upload(path_id(request))
    except NotFound:
        await people_of(request)
        raise NotFound(NO_UPLOAD) from None
    await _require_owner(request, upload.person_id, upload.conversation_id)
    return upload


async def _kept(request: web.Request) -> Attachment:
    try:
        kept = await request.app[FILES].attachment(path_id(request))
    except NotFound:
        raise NotFound(NO_UPLOAD) from None
    await _require_owner(request, kept.owner, kept.conversation_id)
    return kept


async def _require_owner(request: web.Request, owner: str, conversation_id: str) -> None:
    try:
        writer = await _writer(request, conversation_id, only=owner)
    except NotFound:
        raise NotFound(NO_UPLOAD) from None
    if writer.id != owner:
        raise NotFound(NO_UPLOAD)


async def _writer(request: web.Request, conversation_id: str, *, only: str | None = None) -> Staff | Customer:
    """Who of this browser's people may write in the conversation. Raises NotSignedIn, NotFound."""
    rights, stream = ChatRights(request.app[HOUSE].people), conversation_stream(conversation_id)
    for person in await people_of(request):
        if only in (None, person.id) and await rights.may_open(person, stream):
            await rights.require(person, "write", stream)
            return person
    raise unknown()
