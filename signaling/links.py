"""The customer's link: `<public url>/s/<slug>?t=<token>`, where the token is signed, bound to the shop and expires."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.errors import LinkRefused
from domain.people import Shop
from signaling.house import DoorSettings, House

MAX_TOKEN_CHARS = 4096


class Invitation(BaseModel):
    """What a link says about the visit: shown prefilled, may be changed by the customer."""

    model_config = ConfigDict(frozen=True)
    name: str = Field(default="", max_length=80)
    matter: str = Field(default="", max_length=500)


class _Signed(Invitation):
    slug: str
    expires: int


@dataclass(frozen=True, slots=True)
class Link:
    url: str
    expires_at: datetime


def make_link(house: House, shop: Shop, *, name: str = "", matter: str = "", days: int | None = None) -> Link:
    """A link with a signed token that lets in for `days` (default: the settings' `link_days`)."""
    expires_at = house.now() + timedelta(days=days or house.settings.link_days)
    said: dict[str, Any] = {"slug": shop.slug, "expires": int(expires_at.timestamp())}
    said.update({key: value for key, value in (("name", name), ("matter", matter)) if value})
    token = _serializer(house.settings).dumps(said)
    token = token if isinstance(token, str) else token.decode()
    return Link(f"{shop_url(house.settings.public_urls, shop)}?t={token}", datetime.fromtimestamp(said["expires"], UTC))


def customer_link(house: House, shop: Shop, *, name: str = "", matter: str = "") -> str:
    """What to print or send: the bare link where the shop's door is open and nothing is prefilled (it never expires and
    its QR code is small), else a signed one."""
    if shop.open_door and not (name or matter):
        return shop_url(house.settings.public_urls, shop)
    return make_link(house, shop, name=name, matter=matter).url


def shop_url(public_urls: Sequence[str], shop: Shop) -> str:
    return f"{public_urls[0].rstrip('/')}/s/{shop.slug}"


def read_token(house: House, shop: Shop, token: str) -> Invitation:
    """What the token of this shop's link says. Raises LinkRefused: `link_expired`, or `link_altered` for all else."""
    try:
        if len(token) > MAX_TOKEN_CHARS or not token.isascii():
            raise BadData("no link that we make")
        signed = _Signed.model_validate(_serializer(house.settings).loads(token))
    except (BadData, ValidationError):
        raise _altered() from None
    if signed.slug != shop.slug:
        raise _altered()
    if signed.expires <= house.now().timestamp():
        raise LinkRefused("This link has expired. Ask the shop for a new one.", code="link_expired")
    return Invitation(name=signed.name, matter=signed.matter)


def _altered() -> LinkRefused:
    return LinkRefused("This link is damaged. Open it again as the shop sent it, or ask the shop for a new one.")


def _serializer(settings: DoorSettings) -> Any:
    return URLSafeSerializer(settings.secret, salt="loupe.link", signer_kwargs={"digest_method": hashlib.sha256})
