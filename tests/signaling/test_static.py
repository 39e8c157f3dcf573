from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from yarl import URL

from tests.support.doors import Door, open_door, refusal

SCRIPT = b"console.log('loupe');" * 50
PACKED = {"gzip": gzip.compress(SCRIPT), "br": b"as if by brotli"}


@pytest_asyncio.fixture
async def built(tmp_path: Path) -> AsyncIterator[Door]:
    """A door with pages as Vite leaves them."""
    web = tmp_path / "web"
    (web / "assets").mkdir(parents=True)
    (web / "customer.html").write_text("<!doctype html><title>customer</title>")
    (web / "staff.html").write_text("<!doctype html><title>staff</title>")
    (web / "assets" / "customer-abc123.js").write_bytes(SCRIPT)
    (web / "assets" / "customer-abc123.js.gz").write_bytes(PACKED["gzip"])
    (web / "assets" / "customer-abc123.js.br").write_bytes(PACKED["br"])
    (web / "manifest.webmanifest").write_text("{}")
    (web / "icon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (web / "sw.js").write_text("// worker")
    (web / ".hidden.js").write_text("secret")
    (web / "notes.sqlite").write_text("secret")
    (tmp_path / "secret.txt").write_text("secret")
    (web / "link.txt").symlink_to(tmp_path / "secret.txt")
    async with open_door(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("path", ["/s/cobbler", "/s/cobbler?t=token", "/s/nowhere", "/s/cobbler/goodbye"])
async def test_a_customers_link_opens_the_customer_page(built: Door, path: str) -> None:
    response = await built.browser().get(path)
    assert (response.status, response.content_type, response.charset) == (200, "text/html", "utf-8")
    assert response.headers["Cache-Control"] == "no-cache"
    assert "customer" in await response.text()


@pytest.mark.parametrize("path", ["/staff", "/staff/", "/staff/calls/id-1"])
async def test_staff_addresses_open_the_staff_page(built: Door, path: str) -> None:
    assert "<title>staff</title>" in await (await built.browser().get(path)).text()


async def test_the_bare_address_leads_to_staff(built: Door) -> None:
    response = await built.browser().get("/", allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (302, "/staff")


@pytest.mark.parametrize(("accepts", "encoding"), [("br, gzip", "br"), ("gzip", "gzip"), ("identity", None)])
async def test_assets_come_in_the_smallest_form_that_the_browser_takes_and_are_kept_for_good(
    built: Door, accepts: str, encoding: str | None
) -> None:
    url = built.origin + "/assets/customer-abc123.js"
    async with (
        ClientSession(auto_decompress=False) as session,
        session.get(url, headers={"Accept-Encoding": accepts}) as response,
    ):
        assert response.headers.get("Content-Encoding") == encoding
        assert response.headers.get("Vary") == ("Accept-Encoding" if encoding else None)
        assert response.content_type == "text/javascript"
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert await response.read() == (SCRIPT if encoding is None else PACKED[encoding])


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/icon.svg", "image/svg+xml"),
        ("/sw.js", "text/javascript"),
    ],
)
async def test_what_keeps_its_name_is_asked_for_again(built: Door, path: str, kind: str) -> None:
    response = await built.browser().get(path)
    assert (response.status, response.content_type) == (200, kind)
    assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/",
        "/assets",
        "/assets/missing.js",
        "/.hidden.js",
        "/notes.sqlite",
        "/link.txt",
        "/%2e%2e/secret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/%2fetc/passwd",
        "/a%00b.js",
        "/api/nothing",
        "/" + "x" * 300 + ".js",
    ],
)
async def test_nothing_but_the_built_pages_is_served(built: Door, path: str) -> None:
    response = await built.browser().session.get(URL(built.origin + path, encoded=True))
    await refusal(response, 404, "not_found")
    assert "secret" not in await response.text()


async def test_without_built_pages_the_page_says_what_to_do(door: Door) -> None:
    for path in ("/s/cobbler", "/staff"):
        response = await door.browser().get(path)
        assert response.status == 503
        assert "make build" in await response.text()
