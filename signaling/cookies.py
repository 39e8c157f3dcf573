"""Signed session cookies: who a browser is, without a session table.

With TLS a cookie is named `__Host-...` (RFC 6265bis, section 4.1.3) and marked Secure; a plain-HTTP cookie is not
accepted there. A staff cookie dies with the password that it was made under, by age, and at sign-out.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from aiohttp import web
from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

from domain.errors import NotFound, NotSignedIn
from domain.people import Customer, Staff
from signaling.house import House

STAFF_AGE_S = 30 * 24 * 3600
RENEW_AFTER_S = 24 * 3600
CUSTOMER_AGE_S = 180 * 24 * 3600
MAX_COOKIE_BYTES = 1024  # an honest one has about 150
MAX_SIGNED_OUT = 10_000


class Cookies:
    def __init__(self, house: House) -> None:
        self._house = house
        self._staff = _serializer(house.settings.secret, "loupe.staff", house.now)
        self._customer = _serializer(house.settings.secret, "loupe.customer", house.now)
        self._signed_out: OrderedDict[bytes, None] = OrderedDict()

    def is_tls(self, request: web.Request) -> bool:
        """True also behind a proxy that ends TLS, when that address is one of `public_urls`."""
        return request.secure or f"https://{request.host}" in self._house.settings.public_urls

    def set_staff(self, request: web.Request, response: web.StreamResponse, staff: Staff) -> None:
        token = self._staff.dumps({"s": staff.id, "p": _print_of(staff.password_hash)})
        self._set(request, response, "loupe_staff", _text(token), STAFF_AGE_S)

    def set_customer(self, request: web.Request, response: web.StreamResponse, customer: Customer) -> None:
        self._set(request, response, "loupe_customer", _text(self._customer.dumps({"c": customer.id})), CUSTOMER_AGE_S)

    def sign_out(self, request: web.Request, response: web.StreamResponse) -> None:
        """Clears the staff cookie and refuses it from now on (until the next start, should somebody have copied it)."""
        token = self._read(request, "loupe_staff")
        if token and self._loads(self._staff, token, STAFF_AGE_S) is not None:
            self._signed_out[_digest(token)] = None
            while len(self._signed_out) > MAX_SIGNED_OUT:
                self._signed_out.popitem(last=False)
        self._set(request, response, "loupe_staff", "", 0)

    async def staff(self, request: web.Request) -> Staff:
        """Who is signed in. Raises NotSignedIn."""
        token = self._read(request, "loupe_staff")
        said = self._loads(self._staff, token, STAFF_AGE_S)
        if said is None or _digest(token) in self._signed_out:
            raise NotSignedIn("Sign in first.")
        try:
            staff = await self._house.people.staff(str(said[0].get("s", "")))
        except NotFound:
            raise NotSignedIn("You are no longer signed in. Sign in again.") from None
        if said[0].get("p") != _print_of(staff.password_hash):
            raise NotSignedIn("The password has changed. Sign in again.")
        return staff

    def wants_renewal(self, request: web.Request) -> bool:
        """True for a valid staff cookie that is older than a day."""
        said = self._loads(self._staff, self._read(request, "loupe_staff"), STAFF_AGE_S)
        return said is not None and (self._house.now() - said[1]).total_seconds() > RENEW_AFTER_S

    async def customer(self, request: web.Request) -> Customer:
        """The customer whose device this is. Raises NotSignedIn."""
        said = self._loads(self._customer, self._read(request, "loupe_customer"), CUSTOMER_AGE_S)
        if said is None:
            raise NotSignedIn("Open the shop's link first.")
        try:
            return await self._house.people.customer(str(said[0].get("c", "")))
        except NotFound:
            raise NotSignedIn("The shop no longer knows this device. Open the shop's link again.") from None

    def _set(self, request: web.Request, response: web.StreamResponse, name: str, value: str, age_s: int) -> None:
        tls = self.is_tls(request)
        response.set_cookie(
            _name(name, tls), value, max_age=age_s, path="/", secure=tls, httponly=True, samesite="Strict"
        )

    def _read(self, request: web.Request, name: str) -> str:
        value = request.cookies.get(_name(name, self.is_tls(request)), "")
        return value if len(value) <= MAX_COOKIE_BYTES else ""

    def _loads(self, serializer: Any, token: str, age_s: int) -> tuple[dict[str, Any], datetime] | None:
        try:
            said, signed_at = serializer.loads(token, max_age=age_s, return_timestamp=True)
        except BadData:
            return None
        return (said, signed_at) if isinstance(said, dict) else None


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


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _text(token: str | bytes) -> str:
    return token if isinstance(token, str) else token.decode()
