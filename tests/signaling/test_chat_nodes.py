"""Two processes over one store: each takes any page, and what one keeps the other tells."""

from __future__ import annotations

from pathlib import Path

from tests.support.houses import ANN, MEI, TestHouse
from tests.support.pages import page
from tests.support.tabs import opened

ANNS = f"c.{ANN.id}"


async def test_what_another_process_kept_is_told_within_one_comparison(tmp_path: Path) -> None:
    one, two = TestHouse(tmp_path / "one"), TestHouse(tmp_path / "two")
    two.conversations.disk = one.conversations.disk
    async with opened(tmp_path, one) as here, opened(tmp_path, two, compare_every_s=0.05) as there:
        ann, mei = await page(here, ANN), await page(there, MEI)
        await mei.ask("chat.open", stream=ANNS)
        await ann.write(ANNS, "Hello")
        assert (await mei.reads(ANNS, 1)).texts() == ["Hello"]
        assert (await mei.news("chat.inbox"))["rows"][0]["preview"] == "Hello"
        await ann.close()
        back = await page(there, ANN, device=ann.device, holding=ann.shelf(ANNS))
        assert back.welcome["expected"] == 2
        await back.write(ANNS, "I am on the other one now")
        assert (await mei.reads(ANNS, 2)).gaps == 0


async def test_a_hint_is_enough(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        mei = await page(stand, MEI)
        await mei.ask("chat.open", stream=ANNS)
        async with opened(tmp_path / "two") as other:
            other.house.conversations.disk = stand.house.conversations.disk
            ann = await page(other, ANN)
            await ann.write(ANNS, "Hello")
        stand.chat.hub.hint(ANNS, "c.nobody")
        assert (await mei.reads(ANNS, 1)).texts() == ["Hello"]
