"""All of one customer's data, for a manager: handed out as a zip, and erased."""

from __future__ import annotations

from typing import Literal

from aiohttp import web
from pydantic import BaseModel

from domain.customer_data import CustomerData
from domain.errors import Invalid
from domain.fold import NAMELESS
from domain.people import Staff
from domain.stream import notes_stream
from signaling.chat_rights import ChatRights
from signaling.erasing import ERASING, FilesAre
from signaling.exporting import Export
from signaling.http_body import Body, PathId, Words, json_answer, path_id, read_json, staff_of
from signaling.http_context import HOUSE


class EraseBody(Body):
    """`id`: the browser's own, so that asking again erases once. `name`: the customer's, typed again."""

    id: PathId
    name: Words


class ErasedView(BaseModel):
    """What it did: `entries` are stubs now, `files` leave the disk: `files_are` says whether they have. `late`: some could
    not be removed yet, which is tried again every minute. Ask again, with the same id, how it stands."""

    entries: int
    files: int
    files_are: FilesAre


def add_customers(app: web.Application, data: CustomerData) -> None:
    async def export(request: web.Request) -> web.StreamResponse:
        await _manager(request, "export")
        made = await Export(request.app[HOUSE], data).begin(path_id(request))
        response = web.StreamResponse(
            headers={
                "Content-Type": "application/zip",
                "Content-Disposition": f'attachment; filename="customer-{path_id(request)}.zip"',
                "Cache-Control": "no-store",
            }
        )
        await response.prepare(request)
        try:
            async for chunk in made.chunks():
                await response.write(chunk)
        except Exception:
            if request.transport is not None:
                request.transport.abort()  # the browser says that it failed; a file that ends well would be believed
            raise
        await response.write_eof()
        return response

    async def erase(request: web.Request) -> web.Response:
        manager = await _manager(request, "erase")
        body = await read_json(request, EraseBody)
        customer = await request.app[HOUSE].people.customer(path_id(request))
        if customer.name not in (body.name, NAMELESS):
            raise Invalid("Type the customer's name as it is shown, to be sure that it is this one.")
        erased = await request.app[ERASING].erase(body.id, customer.id, manager)
        files_are = request.app[ERASING].files(erased)
        return json_answer(ErasedView(entries=erased.entries, files=erased.files, files_are=files_are))

    customer = "/api/customers/{id:[A-Za-z0-9_-]{1,64}}"
    app.router.add_get(customer + "/export.zip", export)
    app.router.add_post(customer + "/erase", erase)


async def _manager(request: web.Request, deed: Literal["export", "erase"]) -> Staff:
    """Raises NotFound for a customer of another shop, Forbidden for who is no manager."""
    staff = await staff_of(request)
    await ChatRights(request.app[HOUSE].people).require(staff, deed, notes_stream(path_id(request)))
    return staff
