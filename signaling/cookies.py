"""Signed session cookies: who a browser is, without a session table.

With TLS a cookie is named `__Host-...` (RFC 6265bis, section 4.1.3) and marked Secure; a plain-HTTP cookie is not
accepted there. A staff cookie dies with the password that it was made under and by age. A customer has one cookie for each
shop. Every cookie names a session, which stays the same when the cookie is renewed: once a session was signed out, none of
its cookies is good any more, copied or not.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from aiohttp import web
from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

from domain.errors import NotFound, NotSignedIn
from domain.people import Customer, Shop, Staff
from signaling.house import House

STAFF_AGE_S = 30 * 24 * 3600
RENEW_AFTER_S = 24 * 3600
CUSTOMER_AGE_S = 180 * 24 * 3600
MAX_COOKIE_BYTES = 1024  # an honest one has about 170
MAX_SHOPS = 16  # shops on one phone: all their cookies go with every request, and a header has 8 kB
STAFF = "loupe_staff"
CUSTOMER = "loupe_customer"  # of one shop: loupe_customer_<slug>; without a slug: made before cookies had one
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Said(NamedTuple):
    """What a cookie says whose signature is good. `mark` is of a staff member's password."""

    person_id: str
    mark: str
    session: str
    signed_at: datetime


P = TypeVar("P", Staff, Customer)


class Known(NamedTuple, Generic[P]):
    """Who a browser is, and the session that its cookie names."""

    person: P
    session: str


def begun(person: P) -> Known[P]:
    """A session that nobody has had before."""
    return Known(person, secrets.token_hex(16))


class Cookies:
    def __init__(self, house: House) -> None:
        self._house = house
        self._staff = _serializer(house.settings.secret, "loupe.staff", house.now)
        self._customer = _serializer(house.settings.secret, "loupe.customer", house.now)

    def is_tls(self, request: web.Request) -> bool:
        """True also behind a proxy that ends TLS, when that address is one of `public_urls`."""
        return request.secure or f"https://{request.host}" in self._house.settings.public_urls

    def set_staff(self, request: web.Request, response: web.StreamResponse, known: Known[Staff]) -> None:
        said = {"s": known.person.id, "p": _print_of(known.person.password_hash), "k": known.session}
        self._set(request, response, STAFF, _text(self._staff.dumps(said)), STAFF_AGE_S)

    def set_customer(
        self, request: web.Request, response: web.StreamResponse, known: Known[Customer], shop: Shop
    ) -> None:
        """Takes away the cookies of shops that were not visited for the longest time, when there are too many."""
        name, said = f"{CUSTOMER}_{shop.slug}", {"c": known.person.id, "k": known.session}
        self._set(request, response, name, _text(self._customer.dumps(said)), CUSTOMER_AGE_S)
        others = [other for other in self._of_customers(request) if other[0] != name]
        for number, (other, before) in enumerate(others, start=1):
            is_renamed = other == CUSTOMER and before.person_id == known.person.id
            if is_renamed or number >= MAX_SHOPS:
                self._set(request, response, other, "", 0)

    def clear_staff(self, request: web.Request, response: web.StreamResponse) -> str | None:
        """Takes the cookie from the browser. Returns the session that it named."""
        said = self._said(request, STAFF)
        self._set(request, response, STAFF, "", 0)
        return said.session if said is not None else None

    async def staff(self, request: web.Request) -> Known[Staff]:
        """Who is signed in. Raises NotSignedIn."""
        said = self._said(request, STAFF)
        if said is None:
            raise NotSignedIn("Sign in first.")
        try:
            staff = await self._house.people.staff(said.person_id)
        except NotFound:
            raise NotSignedIn("You are no longer signed in. Sign in again.") from None
        if said.mark != _print_of(staff.password_hash):
            raise NotSignedIn("The password has changed. Sign in again.")
        if await self._house.conversations.has_signed_out(said.session):
            raise NotSignedIn("You have signed out. Sign in again.")
        return Known(staff, said.session)

    def wants_renewal(self, request: web.Request) -> bool:
        """True for a valid staff cookie that is older than a day."""
        said = self._said(request, STAFF)
        return said is not None and (self._house.now() - said.signed_at).total_seconds() > RENEW_AFTER_S

    async def customers(self, request: web.Request, slug: str | None = None) -> list[Known[Customer]]:
        """The customers whose device this is, the one who came last first; of one shop only when `slug` (without it:
        the request's `?shop=`) names it."""
        slug = slug or request.query.get("shop")
        known: dict[str, Known[Customer]] = {}
        for _, said in self._of_customers(request, slug):
            customer = None if said.person_id in known else await self._customer_of(said, slug)
            if customer is not None:
                known[customer.id] = Known(customer, said.session)
        return list(known.values())

    async def was_signed_out(self, request: web.Request, slug: str) -> bool:
        """True for a browser that the shop knows, whose session was ended."""
        said = self._said(request, f"{CUSTOMER}_{slug}")
        return said is not None and await self._house.conversations.has_signed_out(said.session)

    async def _customer_of(self, said: Said, slug: str | None) -> Customer | None:
        people = self._house.people
        try:
            customer = await people.customer(said.person_id)
        except NotFound:
            return None
        if slug is not None and (await people.shop(customer.shop_id)).slug != slug:
            return None
        return None if await self._house.conversations.has_signed_out(said.session) else customer

    def _of_customers(self, request: web.Request, slug: str | None = None) -> list[tuple[str, Said]]:
        """(name, what it says) of the customers' cookies, the newest first."""
        names = [f"{CUSTOMER}_{slug}", CUSTOMER] if slug is not None else list(self._names(request))
        found = [(name, said) for name in names if (said := self._said(request, name)) is not None]
        return sorted(found, key=lambda each: each[1].signed_at, reverse=True)

    def _names(self, request: web.Request) -> Iterator[str]:
        prefix = _name(CUSTOMER, self.is_tls(request))
        for name in request.cookies:
            of, _, slug = name.partition(f"{prefix}_")
            if name == prefix or (of == "" and SLUG.fullmatch(slug)):
                yield CUSTOMER if name == prefix else f"{CUSTOMER}_{slug}"

    def _said(self, request: web.Request, name: str) -> Said | None:
        token = request.cookies.get(_name(name, self.is_tls(request)), "")
        if not token or len(token) > MAX_COOKIE_BYTES:
            return None
        serializer, key, age_s = (
            (self._staff, "s", STAFF_AGE_S) if name == STAFF else (self._customer, "c", CUSTOMER_AGE_S)
        )
        try:
            said, signed_at = serializer.loads(token, max_age=age_s, return_timestamp=True)
        except BadData:
            return None
        if not isinstance(said, dict):
            return None
        session = said.get("k") or hashlib.sha256(token.encode()).hexdigest()[:32]  # older cookies name none
        return Said(str(said.get(key, "")), str(said.get("p", "")), str(session), signed_at)

    def _set(self, request: web.Request, response: web.StreamResponse, name: str, value: str, age_s: int) -> None:
        tls = self.is_tls(request)
        response.set_cookie(
            _name(name, tls), value, max_age=age_s, path="/", secure=tls, httponly=True, samesite="Strict"
        )


def _serializer(secret: bytes, salt: str, now: Callable[[], datetime]) -> Any:
    class Signer(TimestampSigner):
        """Signs with the house's clock."""

        def get_timestamp(self) -> int:
            return int(now().timestamp())

    return URLSafeTimedSerializer(secret, salt=salt, signer=Signer, signer_kwargs={"digest_method": hashlib.sha256})


def _name(name: str, tls: bool) -> str:
    return f"__Host-{name}" if tls else name


def _print_of(password_hash: str) -> str:
    return hashlib.sha256(password_hash.encode()).hexdigest()[:16]


def _text(token: str | bytes) -> str:
    return token if isinstance(token, str) else token.decode()
