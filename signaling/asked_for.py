"""Which shop a request is about: a browser may be known as staff of one and as a customer of others."""

from __future__ import annotations

import re

from aiohttp import web

from domain.errors import NotFound
from signaling.http_body import customer_of, people_of, staff_of
from signaling.http_context import HOUSE

# What the live half must hear of, or knows before the store does.
OF_CALLS = re.compile(
    r"/api/(?P<what>pictures|left-messages|calls|customers)(?:/(?P<id>[A-Za-z0-9_-]{1,64}))?"
    r"(?P<deed>|\.jpg|/picture\.jpg|/still|/strokes|/done|/composition|/profile|/erase)",
    re.ASCII,
)


async def shops_asked_for(request: web.Request, asked: re.Match[str]) -> list[str]:
    """More than one only for a picture that no store knows: it may be shown, and not be kept yet, in a call of any of them.
    Raises NotFound and NotSignedIn, as the request itself would."""
    house, what, id = request.app[HOUSE], asked["what"], asked["id"]
    if what == "calls" and id:
        return [(await house.calls.get(id)).shop_id]
    if what == "customers" and id:
        return [(await house.people.customer(id)).shop_id]
    if what == "left-messages" and id:
        return [(await house.people.left_message(id)).shop_id]
    if what == "pictures" and id:
        try:
            return [(await house.calls.get((await house.calls.picture(id)).call_id)).shop_id]
        except NotFound:
            return list(dict.fromkeys(person.shop_id for person in await people_of(request)))
    return [(await (customer_of if request.method == "POST" else staff_of)(request)).shop_id]
