"""Each shop's conversation as an app of its own on a phone: its web app manifest (W3C Web Application Manifest) and icon."""

from __future__ import annotations

import colorsys
import json
import zlib
from html import escape

from aiohttp import web

from domain.people import Shop
from signaling.http_body import path_id
from signaling.http_context import HOUSE

BACKGROUND = "#f6f4f0"
DARK_ENOUGH = (0.27, 0.5)  # lightness and saturation: white letters on any hue keep a contrast above 4.5
KEPT = {"Cache-Control": "public, max-age=3600"}


def add_manifest(app: web.Application) -> None:
    app.router.add_get("/s/{id:[a-z0-9-]{1,63}}/manifest.webmanifest", _manifest)
    app.router.add_get("/s/{id:[a-z0-9-]{1,63}}/icon.svg", _icon)


async def _manifest(request: web.Request) -> web.Response:
    """`?language=zh-CN`: with the shop's Chinese name."""
    shop = await request.app[HOUSE].people.shop_by_slug(path_id(request))
    is_chinese = request.query.get("language") == "zh-CN"
    text = json.dumps(manifest(shop, is_chinese=is_chinese), ensure_ascii=False)
    return web.Response(text=text, content_type="application/manifest+json", headers=KEPT)


async def _icon(request: web.Request) -> web.Response:
    shop = await request.app[HOUSE].people.shop_by_slug(path_id(request))
    return web.Response(text=icon(shop), content_type="image/svg+xml", headers=KEPT)


def manifest(shop: Shop, *, is_chinese: bool) -> dict[str, object]:
    name = shop.name_zh if is_chinese and shop.name_zh else shop.name
    place = f"/s/{shop.slug}"
    icons = [
        {"src": f"{place}/icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": purpose}
        for purpose in ("any", "maskable")
    ]
    return {
        "id": f"{place}/chat",
        "start_url": f"{place}/chat",
        "scope": place,
        "name": name,
        "short_name": name,
        "lang": "zh-CN" if is_chinese else "en",
        "display": "standalone",
        "orientation": "any",
        "background_color": BACKGROUND,
        "theme_color": colour(shop),
        "icons": icons,
    }


def colour(shop: Shop) -> str:
    """The same for a shop at all times; two shops on one phone are told apart by it."""
    lightness, saturation = DARK_ENOUGH
    parts = colorsys.hls_to_rgb(zlib.crc32(shop.id.encode()) % 360 / 360, lightness, saturation)
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def icon(shop: Shop) -> str:
    """The first letter of the shop's name, within the part that no mask cuts off."""
    letter = escape((shop.name_zh or shop.name)[:1].upper())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512"><rect width="512" height="512" fill="{colour(shop)}"/>'
        '<text x="256" y="256" dy=".36em" text-anchor="middle" fill="#fff" font-size="240" font-weight="600" '
        f'font-family="system-ui, sans-serif">{letter}</text></svg>'
    )
