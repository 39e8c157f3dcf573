"""The HTTP routes as an OpenAPI 3.1 description, made of the routes themselves and of the models that they read and answer.

A route under `/api/` that has no line in `ROUTES` is left out of the description, and a test fails.
"""

from __future__ import annotations

import asyncio
import functools
import json
import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from domain.profile import Profile
from domain.quick_reply import QuickReply
from signaling import http_customers, http_records, http_search, http_uploads
from signaling.chat_news import InboxRow
from signaling.chat_poll import PollBody
from signaling.composition import CompositionView
from signaling.http_body import Nothing
from signaling.http_devices import CodeView, Devices, JoinBody, Joined
from signaling.http_enter import EnterBody, Entered, InvitationBody, InvitationView
from signaling.http_inbox import Colleagues, HandedOver, HandOverBody, InboxPage, Wanted
from signaling.http_left_messages import Left, LeftBody, MessagesView, MessageView
from signaling.http_pictures import PictureView, StrokesBody
from signaling.http_profile import CustomerPage, ProfileChange
from signaling.http_quick_replies import QuickReplies, QuickReplyBody
from signaling.http_sign_in import SignedIn, SignInBody
from signaling.http_streams import Span, StreamPage, StreamState

Who = Literal["anyone", "customer", "staff", "either"]
Schema = dict[str, Any]
JSON = "application/json"
PICTURE, FILM, FILE = "image/jpeg", "video/*", "*/*"
_PARAMETER = re.compile(r"\(\?P<(\w+)>([^()]*)\)")


class Refused(BaseModel):
    """What every refusal says. `message` tells a person what to do; `code` is for programs, see docs/protocol.md."""

    type: Literal["error"]
    code: str
    message: str
    ref: str | None = None
    taken_by: str | None = None
    retry_after_s: float | None = None
    expected: int | None = None
    position: int | None = None


class Healthy(BaseModel):
    ok: Literal[True]


class Frames(BaseModel):
    """Frames of the conversation, see docs/protocol-conversation.md."""

    frames: list[dict[str, Any]]


class Page(BaseModel):
    """`before`: a moment as RFC 3339 has it."""

    before: str | None = None


class Offset(BaseModel):
    """Where in the file this chunk begins."""

    offset: int


class Route(NamedTuple):
    """`answers` and `reads` are models of JSON, or kinds of bytes. `query` is a model of what may stand behind `?`."""

    who: Who
    answers: type[BaseModel] | str
    reads: type[BaseModel] | str | None = None
    query: type[BaseModel] | None = None


ROUTES: Mapping[str, Route] = {
    "GET /api/health": Route("anyone", Healthy),
    "GET /api/openapi.json": Route("anyone", JSON),
    "GET /api/stats": Route("staff", JSON),
    "POST /api/sign-in": Route("anyone", SignedIn, SignInBody),
    "POST /api/sign-out": Route("anyone", Nothing),
    "GET /api/me": Route("staff", SignedIn),
    "POST /api/enter": Route("anyone", Entered, EnterBody),
    "POST /api/invitations": Route("staff", InvitationView, InvitationBody),
    "POST /api/chat/poll": Route("either", Frames, PollBody),
    "GET /api/streams/{id}": Route("either", StreamState),
    "GET /api/streams/{id}/entries": Route("either", StreamPage, query=Span),
    "GET /api/inbox": Route("staff", InboxPage, query=Wanted),
    "GET /api/inbox/{id}": Route("staff", InboxRow),
    "POST /api/inbox/hand-over": Route("staff", HandedOver, HandOverBody),
    "GET /api/colleagues": Route("staff", Colleagues),
    "GET /api/devices": Route("either", Devices),
    "POST /api/devices/{id}/end": Route("either", Nothing),
    "POST /api/devices/code": Route("customer", CodeView),
    "POST /api/devices/join": Route("anyone", Joined, JoinBody),
    "POST /api/uploads": Route("either", http_uploads.UploadView, http_uploads.UploadBody),
    "GET /api/uploads/{id}": Route("either", http_uploads.UploadView),
    "PUT /api/uploads/{id}": Route("either", http_uploads.UploadView, FILE, query=Offset),
    "POST /api/uploads/{id}/done": Route("either", http_uploads.UploadView),
    "DELETE /api/uploads/{id}": Route("either", http_uploads.UploadView),
    "GET /api/attachments/{id}": Route("either", FILE),
    "GET /api/attachments/{id}/thumb.jpg": Route("either", PICTURE),
    "GET /api/search": Route("either", http_search.SearchPage, query=http_search.Sought),
    "GET /api/customers/{id}/profile": Route("staff", CustomerPage),
    "POST /api/customers/{id}/profile": Route("staff", Profile, ProfileChange),
    "GET /api/customers/{id}/export.zip": Route("staff", "application/zip"),
    "POST /api/customers/{id}/erase": Route("staff", http_customers.ErasedView, http_customers.EraseBody),
    "GET /api/quick-replies": Route("staff", QuickReplies),
    "PUT /api/quick-replies/{id}": Route("staff", QuickReply, QuickReplyBody),
    "POST /api/quick-replies/{id}/remove": Route("staff", Nothing),
    "GET /api/calls": Route("staff", http_records.Calls, query=Page),
    "GET /api/calls/{id}": Route("either", http_records.CallRecord),
    "GET /api/calls/{id}/files/{name}": Route("either", FILM),
    "POST /api/calls/{id}/composition": Route("staff", CompositionView, http_records.CompositionBody),
    "GET /api/calls/{id}/composition": Route("staff", CompositionView),
    "GET /api/calls/{id}/composition/file": Route("staff", FILM),
    "GET /api/pictures/{id}.jpg": Route("either", PICTURE),
    "PUT /api/pictures/{id}/still": Route("customer", PictureView, PICTURE),
    "PUT /api/pictures/{id}/strokes": Route("staff", PictureView, StrokesBody),
    "POST /api/left-messages": Route("customer", Left, LeftBody),
    "GET /api/left-messages": Route("staff", MessagesView),
    "POST /api/left-messages/{id}/done": Route("staff", MessageView),
    "GET /api/left-messages/{id}/picture.jpg": Route("staff", PICTURE),
}
FORMS = frozenset({LeftBody})  # what is sent as a form, with a file beside it


def add_openapi(app: web.Application) -> None:
    """After all other routes. They are described when somebody asks: that takes longer than all else in an app's making."""

    @functools.cache
    def text() -> str:
        return json.dumps(described(app))

    async def tell(request: web.Request) -> web.Response:
        """This description."""
        return web.Response(text=await asyncio.to_thread(text), content_type=JSON)

    app.router.add_get("/api/openapi.json", tell)


def described(app: web.Application) -> Schema:
    paths: dict[str, Schema] = {}
    for route in app.router.routes():
        where = route.resource.canonical if route.resource is not None else ""
        known = ROUTES.get(f"{route.method} {where}")
        if known is not None and route.resource is not None:
            pattern = route.resource.get_info().get("pattern")
            paths.setdefault(where, {})[route.method.lower()] = _operation(known, pattern, route.handler.__doc__)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Loupe", "version": "1", "description": "Frames and cookies: docs/protocol.md."},
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": _cookies()},
    }


def _operation(route: Route, pattern: re.Pattern[str] | None, text: str | None) -> Schema:
    found = {
        "summary": " ".join((text or "").split()),
        "parameters": [*_of_path(pattern), *_of_query(route.query)],
        "responses": {
            "200": {"description": "Done.", "content": _content(route.answers)},
            "default": {"description": "Refused.", "content": _content(Refused)},
        },
        "security": {"anyone": [], "either": [{"staff": []}, {"customer": []}]}.get(route.who, [{route.who: []}]),
    }
    if route.reads is not None:
        found["requestBody"] = {"required": True, "content": _content(route.reads)}
    return found


def _content(what: type[BaseModel] | str) -> Schema:
    if isinstance(what, str):
        return {what: {"schema": {} if what == JSON else {"type": "string", "format": "binary"}}}
    kind = "multipart/form-data" if what in FORMS else JSON
    return {kind: {"schema": {"$ref": f"#/components/schemas/{what.__name__}"}}}


def _of_path(pattern: re.Pattern[str] | None) -> list[Schema]:
    named = _PARAMETER.findall(pattern.pattern) if pattern is not None else []
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": f"^{allowed}$"}}
        for name, allowed in named
    ]


def _of_query(model: type[BaseModel] | None) -> list[Schema]:
    schema = model.model_json_schema() if model is not None else {}
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(of)}
        for name, of in schema.get("properties", {}).items()
    ]


def _without_null(schema: Schema) -> Schema:
    """A query has no null: what may be left out is left out."""
    of = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    return {key: value for key, value in of[0].items() if key not in ("title", "default")}


def _schemas() -> Schema:
    reads = {route.reads for route in ROUTES.values() if not isinstance(route.reads, str | None)}
    answers = {route.answers for route in ROUTES.values() if not isinstance(route.answers, str)} | {Refused}
    asked = [(model, "validation") for model in reads] + [(model, "serialization") for model in answers - {Refused}]
    _, made = models_json_schema(
        [*asked, (Refused, "validation")],  # type: ignore[list-item]
        ref_template="#/components/schemas/{model}",
    )
    return dict(sorted(made["$defs"].items()))


def _cookies() -> Schema:
    """A customer's cookie is named after the shop; with TLS both have `__Host-` in front."""
    named = {"staff": "loupe_staff", "customer": "loupe_customer_<shop>"}
    return {who: {"type": "apiKey", "in": "cookie", "name": name} for who, name in named.items()}
