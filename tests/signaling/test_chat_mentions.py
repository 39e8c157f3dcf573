"""Being named in a note: it arrives in one's own stream, and is seen on all devices at once."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.houses import ANN, LI, MEI
from tests.support.pages import page
from tests.support.tabs import opened

ANNS, NOTES, LIS = f"c.{ANN.id}", f"n.{ANN.id}", f"s.{LI.id}"


async def test_who_is_named_hears_of_it_and_what_was_seen_on_one_device_is_seen_on_all(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei = await page(stand, ANN), await page(stand, MEI)
        tablet, desktop = await page(stand, LI), await page(stand, LI)
        await ann.write(ANNS, "Hello")
        await mei.write(NOTES, "", kind="note", body={"text": "@Li knows the glue", "mentions": [LI.id]})
        for device in (tablet, desktop):
            told = (await device.reads(LIS, 1)).entries[0]
            assert (told["kind"], told["author_name"]) == ("mention", "Mei")
            assert told["body"] == {"conversation": ANN.id, "position": 1}
        assert (await mei.refused("chat.open", stream=LIS))["code"] == "not_found"
        await tablet.send(type="chat.seen", stream=LIS, delivered=1, read=1)
        assert (await desktop.news("chat.marks", lambda f: f["stream"] == LIS))["marks"][0]["read"] == 1
        later = await page(stand, LI)
        assert (await later.news("chat.marks", lambda f: f["stream"] == LIS))["marks"][0]["read"] == 1
        await ann.ask("chat.fetch", stream=ANNS, after=0)
        assert "glue" not in json.dumps(ann.frames)
        assert LIS not in json.dumps(ann.frames)
