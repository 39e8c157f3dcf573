"""Each shop's conversation is an app of its own on a phone."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from signaling.manifest import colour, icon, manifest
from tests.support.doors import Door, refusal
from tests.support.houses import COBBLER, NAILS


@pytest.mark.parametrize(("language", "name"), [("en", "Sunny Cobbler"), ("zh-CN", "暖阳鞋匠")])
async def test_a_shops_manifest_names_it_and_opens_its_conversation(door: Door, language: str, name: str) -> None:
    response = await door.browser().get(f"/s/cobbler/manifest.webmanifest?language={language}")
    assert (response.status, response.content_type) == (200, "application/manifest+json")
    said = json.loads(await response.text())
    assert (said["name"], said["lang"], said["display"]) == (name, language, "standalone")
    assert said["start_url"] == said["id"] == "/s/cobbler/chat"
    assert said["start_url"].startswith(said["scope"])
    assert {icon["purpose"] for icon in said["icons"]} == {"any", "maskable"}
    for each in said["icons"]:
        drawn = await door.browser().get(each["src"])
        assert (drawn.status, drawn.content_type) == (200, "image/svg+xml")
        assert ElementTree.fromstring(await drawn.text()).tag.endswith("svg")


def test_two_shops_on_one_phone_are_told_apart() -> None:
    assert manifest(COBBLER, is_chinese=False)["id"] != manifest(NAILS, is_chinese=False)["id"]
    assert colour(COBBLER) != colour(NAILS)


def test_a_name_that_is_markup_stays_a_letter() -> None:
    drawn = ElementTree.fromstring(icon(COBBLER.model_copy(update={"name": "<script>", "name_zh": ""})))
    assert [child.text for child in drawn if child.tag.endswith("text")] == ["<"]


async def test_an_unknown_shop_has_none(door: Door) -> None:
    await refusal(await door.browser().get("/s/nobody/manifest.webmanifest"), 404, "not_found")
