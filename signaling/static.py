"""The built pages: `/s/<slug>` for customers, `/staff` for staff, and what they load. Precompressed siblings (`.br`,
`.gz`) are sent to browsers that take them; aiohttp's FileResponse picks them."""

from __future__ import annotations

import re
from pathlib import Path

from aiohttp import web

from domain.errors import NotFound
from signaling.http_context import HOUSE

_SAFE_PATH = re.compile(r"^(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/){0,4}[A-Za-z0-9_-][A-Za-z0-9_.-]*$")
_LONGEST_PATH = 200
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webm": "video/webm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
NOT_BUILT = "Loupe runs, but its pages are not built yet.\nStop it, run `make build`, and start it again.\n"


def add_static(app: web.Application) -> None:
    """Last of all routes: `/{file}` takes what no other one took."""
    app.router.add_get("/", _home)
    app.router.add_get("/s/{slug}", _customer)
    app.router.add_get("/s/{slug}/{rest:.*}", _customer)
    app.router.add_get("/staff", _staff)
    app.router.add_get("/staff/{rest:.*}", _staff)
    app.router.add_get("/{path:.+}", _file)


async def _home(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/staff")


async def _customer(request: web.Request) -> web.StreamResponse:
    return _page(request, "customer.html")


async def _staff(request: web.Request) -> web.StreamResponse:
    return _page(request, "staff.html")


def _page(request: web.Request, name: str) -> web.StreamResponse:
    path = request.app[HOUSE].settings.web_dist / name
    if not path.is_file():
        return web.Response(text=NOT_BUILT, status=503, headers={"Cache-Control": "no-store"})
    return web.FileResponse(path, headers={"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache"})


async def _file(request: web.Request) -> web.StreamResponse:
    wanted = request.match_info["path"]
    path = _inside(request.app[HOUSE].settings.web_dist, wanted)
    if path is None:
        raise NotFound("There is nothing at this address. Check the link.")
    # names under assets/ carry a hash of their content, all others stay when their content changes
    lasting = wanted.startswith("assets/")
    cache = "public, max-age=31536000, immutable" if lasting else "no-cache"
    return web.FileResponse(path, headers={"Content-Type": _KINDS[path.suffix], "Cache-Control": cache})


def _inside(folder: Path, wanted: str) -> Path | None:
    """The regular file `wanted` of this folder, never one outside of it, and only of a known kind."""
    if len(wanted) > _LONGEST_PATH or not _SAFE_PATH.match(wanted) or Path(wanted).suffix not in _KINDS:
        return None
    path = folder / wanted
    return path if path.is_file() and path.resolve().is_relative_to(folder.resolve()) else None
