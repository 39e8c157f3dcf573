"""The table of `tests/domain/test_entitlement.py` through the real doors: every HTTP route and every chat frame that a role
decides about, for each role in the own store and in another one."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse

from domain.entitlement import Deed, HouseDeed, may, may_run
from domain.people import Role, Staff
from tests.support.databases import sqlite_address
from tests.support.doors import refusal
from tests.support.houses import ANN, COBBLER, MEI, NAILS
from tests.support.whole import WholeDoor, whole_door

CUSTOMER = f"/api/customers/{ANN.id}"
ROUTES: list[tuple[Deed, str, str, Any]] = [
    ("read", "GET", f"/api/streams/c.{ANN.id}", None),
    ("read", "GET", f"/api/streams/c.{ANN.id}/entries", None),
    ("read", "GET", f"/api/search?q=heel&conversation={ANN.id}", None),
    ("note", "GET", f"/api/streams/n.{ANN.id}", None),
    ("search", "GET", f"/api/search?q=heel&store={COBBLER.id}", None),
    ("profile", "GET", f"{CUSTOMER}/profile", None),
    ("profile", "POST", f"{CUSTOMER}/profile", {"version": 99}),
    ("act", "GET", f"/api/inbox/{ANN.id}", None),
    ("write", "POST", "/api/uploads", {"conversation": ANN.id, "sha256": "1" * 64, "bytes": 4, "name": "x"}),
    ("export", "GET", f"{CUSTOMER}/export.zip", None),
    ("erase", "POST", f"{CUSTOMER}/erase", {"id": "erasure-1", "name": "somebody else"}),
]
FRAMES: list[tuple[Deed, dict[str, Any]]] = [
    ("read", {"type": "chat.open", "stream": f"c.{ANN.id}"}),
    ("read", {"type": "chat.fetch", "stream": f"c.{ANN.id}", "after": 0}),
    ("note", {"type": "chat.open", "stream": f"n.{ANN.id}"}),
    ("write", {"type": "chat.append", "stream": f"c.{ANN.id}", "kind": "text", "body": {"text": "x"}, "force": True}),
    ("recall", {"type": "chat.append", "stream": f"c.{ANN.id}", "kind": "recall", "body": {"target": "nothing-1"}}),
    ("note", {"type": "chat.append", "stream": f"n.{ANN.id}", "kind": "note", "body": {"text": "x"}}),
    ("act", {"type": "chat.inbox.set", "conversation": ANN.id, "deed": "take"}),
    ("ring", {"type": "chat.ring", "conversation": ANN.id}),
]
OF_THE_HOUSE: list[tuple[HouseDeed, str, str, Any]] = [
    ("operate", "GET", "/api/stats", None),
    ("curate", "PUT", "/api/quick-replies/reply-0001", {"label": "Hours", "text": "Nine to six"}),
]
ROLES: tuple[Role, ...] = ("clerk", "manager", "hq")
PEOPLE = [
    MEI.model_copy(update={"id": f"staff-{role}-{shop}", "username": f"{role}-{shop}", "role": role, "shop_id": shop})
    for role in ROLES
    for shop in (COBBLER.id, NAILS.id)
]
_numbers = itertools.count(1)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[WholeDoor]:
    async with whole_door(tmp_path, sqlite_address(tmp_path)) as made:
        for staff in PEOPLE:
            await made.db.people.add_staff(staff)
        await made.say("my heel")
        yield made


@pytest.mark.parametrize("staff", PEOPLE, ids=lambda staff: f"{staff.role} of {staff.shop_id}")
async def test_the_routes_keep_the_table(door: WholeDoor, staff: Staff) -> None:
    browser = door.staff(staff)
    for deed, method, path, body in ROUTES:
        response = await browser.request(method, path, json=body)
        if may(staff, deed, shop_id=COBBLER.id, customer_id=ANN.id):
            assert response.status in (200, 400, 409), (deed, path, response.status, await response.text())
        elif may(staff, "read", shop_id=COBBLER.id, customer_id=ANN.id):
            await refusal(response, 403, "forbidden")
        else:
            await refusal(response, 404, "not_found")
        await refusal(await door.browser().request(method, path, json=body), 401, "not_signed_in")
    for house_deed, method, path, body in OF_THE_HOUSE:
        response = await browser.request(method, path, json=body)
        if may_run(staff, house_deed):
            assert response.status == 200, (house_deed, await response.text())
        else:
            await refusal(response, 403, "forbidden")


@pytest.mark.parametrize("staff", PEOPLE, ids=lambda staff: f"{staff.role} of {staff.shop_id}")
async def test_the_frames_keep_the_table(door: WholeDoor, staff: Staff) -> None:
    socket = await door.staff(staff).ws_connect("/ws/staff/chat")
    device = f"device-{staff.role}-{staff.shop_id}"
    welcome = await asked(socket, {"type": "chat.hello", "device": device, "tab": "t", "cursors": []})
    number = welcome["expected"]
    for deed, frame in FRAMES:
        once = (
            {"id": f"once-{next(_numbers):06}"}
            if frame["type"] in ("chat.append", "chat.inbox.set", "chat.ring")
            else {}
        )
        if frame["type"] == "chat.append":
            once["n"] = number
        said = await asked(socket, {**frame, **once})
        if may(staff, deed, shop_id=COBBLER.id, customer_id=ANN.id):
            # a recall of what is not there is refused by the store, after the right was looked at
            assert said["type"] != "error" or deed == "recall", (deed, said)
            number += said["type"] == "chat.ack" and frame["type"] == "chat.append"
        else:
            assert said["code"] == "not_found", (deed, said)
    stream = [entry.kind for entry in await door.db.conversations.entries(f"c.{ANN.id}")]
    is_allowed = may(staff, "write", shop_id=COBBLER.id, customer_id=ANN.id)
    assert stream == (["text", "text", "ring"] if is_allowed else ["text"])


async def asked(socket: ClientWebSocketResponse, frame: dict[str, Any]) -> dict[str, Any]:
    ref = str(next(_numbers))
    await socket.send_json({**frame, "ref": ref})
    while True:
        said: dict[str, Any] = await socket.receive_json(timeout=5)
        if said.get("ref") == ref:
            return said
