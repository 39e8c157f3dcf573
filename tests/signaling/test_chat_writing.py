"""Entries: kept once, in a device's order, acknowledged after the commit, and refused with what to do next."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.support.houses import ANN, LI, MEI, TOM
from tests.support.pages import entry_id, page
from tests.support.tabs import opened

ANNS = f"c.{ANN.id}"


async def test_an_entry_is_acknowledged_only_when_it_is_kept_and_told_to_nobody_before(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei = await page(stand, ANN), await page(stand, MEI)
        await mei.ask("chat.open", stream=ANNS)
        stand.house.conversations.hold()
        ref = await ann.send(**ann.entry(ANNS, "Hello"))
        await ann.refused("chat.open", stream=f"c.{TOM.id}")  # this answer would have come after that one
        await mei.ask("chat.fetch", stream=ANNS, after=0)
        assert not any(f.get("ref") == ref for f in ann.frames)
        assert ann.shelf(ANNS).entries == mei.shelf(ANNS).entries == []
        stand.house.conversations.release()
        assert (await ann.answer_to(ref))["position"] == 1
        await mei.reads(ANNS, 1)


async def test_a_message_of_blanks_is_refused_and_uses_no_number(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei = await page(stand, ANN), await page(stand, MEI)
        for text in (" ", "\n\n", "\u3000", "\u200b\u200d"):
            refused = await ann.refused(**ann.entry(ANNS, text))
            assert (refused["code"], "nothing to see" in refused["message"]) == ("bad_request", True)
            ann.counter -= 1
        note = mei.entry(f"n.{ANN.id}", " \n", kind="note")
        assert (await mei.refused(**note))["code"] == "bad_request"
        assert (await ann.write(ANNS, "Hello"))["position"] == 1


async def test_the_same_entry_sent_again_is_kept_once_and_answered_the_same(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await page(stand, ANN)
        entry = ann.entry(ANNS, "Hello")
        answers = [await ann.ask(**entry) for _ in range(3)]
        assert len({(a["type"], a["id"], a["position"], a["at"]) for a in answers}) == 1
        [head] = await stand.house.conversations.heads([ANNS])
        assert head.head == 1


async def test_an_unsent_entry_goes_out_again_on_another_socket_after_a_cut_and_counts_once(tmp_path: Path) -> None:
    """The cut falls after the commit and before the answer."""
    async with opened(tmp_path) as stand:
        ann = await page(stand, ANN)
        stand.house.conversations.hold()
        entry = ann.entry(ANNS, "Hello")
        await ann.send(**entry)
        await ann.refused("chat.open", stream=f"c.{TOM.id}")
        await ann.close()
        stand.house.conversations.release()
        back = await page(stand, ANN, device=ann.device)
        assert back.welcome["expected"] == 2
        assert (await back.ask(**entry))["position"] == 1
        assert (await back.reads(ANNS, 1)).texts() == ["Hello"]


async def test_a_counter_out_of_turn_is_told_which_number_is_next_and_leaves_no_hole(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await page(stand, ANN)
        skipped = {**ann.entry(ANNS, "two"), "n": 2}
        error = await ann.refused(**skipped)
        assert (error["code"], error["expected"]) == ("expect", 1)
        assert (await ann.ask(**{**skipped, "n": 1}))["position"] == 1


async def test_entries_sent_in_a_row_are_kept_in_that_order(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await page(stand, ANN)
        refs = [await ann.send(**ann.entry(ANNS, str(number))) for number in range(50)]
        positions = [(await ann.answer_to(ref))["position"] for ref in refs]
        assert positions == list(range(1, 51))
        assert (await ann.reads(ANNS, 50)).texts() == [str(number) for number in range(50)]


async def test_two_tabs_of_a_device_share_its_counter_and_each_hears_everything(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        one = await page(stand, ANN)
        two = await page(stand, ANN, device=one.device)
        await one.write(ANNS, "from the one")
        assert (await two.refused(**two.entry(ANNS, "late")))["expected"] == 2
        two.counter = 1
        await two.write(ANNS, "from the other")
        for tab in (one, two):
            assert (await tab.reads(ANNS, 2)).texts() == ["from the one", "from the other"]


async def test_a_reply_that_has_not_seen_the_newest_words_is_held_back_and_goes_out_when_forced(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, li = await page(stand, ANN), await page(stand, MEI), await page(stand, LI)
        await ann.write(ANNS, "When is it ready?")
        entry = mei.entry(ANNS, "On Friday", seen=1)
        await li.write(ANNS, "On Thursday", seen=1)
        error = await mei.refused(**entry)
        assert (error["code"], error["position"]) == ("held_back", 2)
        assert (await mei.ask(**{**entry, "seen": 2}))["position"] == 3
        assert (await li.ask(**li.entry(ANNS, "No: Monday", seen=2, force=True)))["position"] == 4
        assert (await ann.write(ANNS, "Thank you"))["position"] == 5


async def test_a_message_can_be_taken_back_for_two_minutes_and_then_no_more(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await page(stand, ANN)
        kept = [await ann.write(ANNS, text) for text in ("a slip", "fine")]
        stand.house.clock.advance(119)
        await ann.write(ANNS, "", kind="recall", body={"target": kept[0]["id"]})
        stand.house.clock.advance(2)
        late = await ann.refused(**ann.entry(ANNS, "", kind="recall", body={"target": kept[1]["id"]}))
        assert late["code"] == "too_late"
        fresh = await page(stand, ANN)
        held = await fresh.reads(ANNS, 3)
        assert [(e["gone"], e["body"]) for e in held.entries[:2]] == [("recalled", {}), (None, {"text": "fine"})]


async def test_a_full_disk_is_told_and_the_same_entry_is_taken_later(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await page(stand, ANN)
        stand.house.conversations.disk.is_full = True
        entry = ann.entry(ANNS, "Hello")
        assert (await ann.refused(**entry))["code"] == "unavailable"
        stand.house.conversations.disk.is_full = False
        assert (await ann.ask(**entry))["position"] == 1


async def test_what_an_entry_must_not_be_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei = await page(stand, ANN), await page(stand, MEI)
        wrong: list[dict[str, Any]] = [
            {"body": {}},
            {"body": {"text": ""}},
            {"body": {"text": "x" * 4001}},
            {"body": {"text": "x", "html": "<b>"}},
            {"kind": "recall", "body": {"target": "x y"}},
            {"kind": "booking", "body": {}},
            {"kind": "ring", "body": {"path": "/"}},
            {"id": "short"},
            {"n": 0},
            {"n": 2**31},
            {"stream": "x.ann"},
            {"stream": "c.'; drop table entries"},
            {"reply_to": "x y"},
            {"surprise": 1},
        ]
        for change in wrong:
            assert (await ann.refused(**{**ann.entry(ANNS, "Hello"), "n": 1, **change}))["code"] == "bad_request", (
                change
            )
        for stream, kind in ((ANNS, "note"), (f"n.{ANN.id}", "text")):
            error = await mei.refused(**{**mei.entry(stream, "x"), "n": 1, "kind": kind})
            assert error["code"] == "bad_request"
        no_file = await ann.refused(**{**ann.entry(ANNS, ""), "n": 1, "kind": "image", "body": {"attachment": "a-1"}})
        assert no_file["code"] == "not_ready"
        assert stand.house.conversations.disk.streams == {}
        assert (await ann.ask(**{**ann.entry(ANNS, "Hello"), "n": 1}))["position"] == 1


async def test_an_id_that_means_something_else_already_is_a_conflict(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        mei, same = await page(stand, MEI), entry_id()
        await mei.write(ANNS, "Hello", id=same, seen=0)
        assert (await mei.refused(**mei.entry(f"c.{TOM.id}", "Hello", id=same)))["code"] == "conflict"


async def test_a_page_that_asks_too_fast_is_slowed_down_and_loses_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await page(stand, ANN)
        entries = [ann.entry(ANNS, str(number)) for number in range(140)]
        refs = [await ann.send(**entry) for entry in entries]
        answers = [await ann.answer_to(ref) for ref in refs]
        refused = [a for a in answers if a["type"] == "error"]
        assert {a["code"] for a in refused} == {"rate_limited"}
        assert all(0 < a["retry_after_s"] <= 1 for a in refused)
        kept = len(answers) - len(refused)
        assert [a["position"] for a in answers[:kept]] == list(range(1, kept + 1))  # what was refused was not overtaken
        await asyncio.sleep(max(a["retry_after_s"] for a in refused))
        assert (await ann.ask(**entries[kept]))["position"] == kept + 1
