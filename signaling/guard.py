"""What is checked of every request, and what every answer carries."""

from __future__ import annotations

import re

from aiohttp import web
from aiohttp.typedefs import Handler

from domain.errors import Forbidden
from signaling.http_context import HOUSE

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"^(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$")

PERMISSIONS = (
    "camera=(self), microphone=(self), fullscreen=(self), screen-wake-lock=(self), autoplay=(self), "
    "geolocation=(), payment=(), usb=(), display-capture=()"
)


@web.middleware
async def own_origins_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses what another site's page asks a visitor's browser to do here (RFC 6454; CSRF and WebSocket hijacking)."""
    if request.method not in _SAFE or "upgrade" in request.headers.get("Connection", "").lower():
        require_own_origin(request)
    return await handler(request)


def require_own_origin(request: web.Request) -> None:
    """Every browser names the origin of a page that changes something or opens a WebSocket; a request without one is a
    program's, and has no cookie that was not given to it. Raises Forbidden."""
    origin = request.headers.get("Origin")
    if origin is None:
        if request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin"):
            return
    elif origin in request.app[HOUSE].settings.public_urls or _host_of(origin) == request.host.lower():
        return
    raise Forbidden("This page may not do that here. Open the shop's own address.", code="wrong_origin")


def _host_of(origin: str) -> str | None:
    scheme, _, host = origin.partition("://")
    return host.lower() if scheme in ("http", "https") else None


async def secure_answer(request: web.Request, response: web.StreamResponse) -> None:
    """`on_response_prepare`: the security headers of every answer. A route that set its own policy keeps it."""
    headers = response.headers
    headers["Server"] = "Loupe"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("Permissions-Policy", PERMISSIONS)
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("Content-Security-Policy", content_policy(request.host))
    if request.path.startswith("/api/"):
        headers.setdefault("Cache-Control", "no-store")


def content_policy(host: str) -> str:
    """The pages' Content-Security-Policy: own scripts, own socket (named for browsers whose 'self' leaves `wss:` out),
    camera and recordings as blobs, drawings as data URLs."""
    sockets = f" ws://{host} wss://{host}" if _HOST.match(host) else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
        "img-src 'self' data: blob:; media-src 'self' blob: mediastream:; worker-src 'self' blob:; "
        f"manifest-src 'self'; connect-src 'self' blob:{sockets}; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )
