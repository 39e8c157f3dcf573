"""Streams: told in order and once, resumed from a cursor, begun anew when the cursor is not of this server's stream."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter

from domain.stream import next_digest
from signaling.chat_news import ChatSaid
from tests.support.houses import ANN, COBBLER, LI, MEI, TOM
from tests.support.pages import page
from tests.support.tabs import Stand, opened

ANNS = f"c.{ANN.id}"
said: TypeAdapter[object] = TypeAdapter(ChatSaid)


async def test_text_goes_both_ways_and_both_hold_the_same(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei = await page(stand, ANN), await page(stand, MEI)
        await mei.ask("chat.open", stream=ANNS)
        first = await ann.write(ANNS, "The heel is loose")
        second = await mei.write(ANNS, "Bring it in", seen=first["position"])
        held = [await who.reads(ANNS, second["position"]) for who in (ann, mei)]
        assert held[0].texts() == held[1].texts() == ["The heel is loose", "Bring it in"]
        assert held[0].entries == held[1].entries
        assert (first["position"], second["position"]) == (1, 2)
        assert [e["side"] for e in held[0].entries] == ["customer", "staff"]
        assert held[0].gaps == held[1].gaps == 0


async def test_every_frame_that_is_said_is_one_of_the_protocol(tmp_path: Path) -> None:
    async with opened(tmp_path, heads_every_s=0.2) as stand:
        ann, mei = await page(stand, ANN), await page(stand, MEI)
        await mei.ask("chat.open", stream=ANNS)
        await ann.write(ANNS, "Hello")
        await mei.news("chat.inbox")
        await mei.send(type="chat.seen", stream=ANNS, delivered=1, read=1)
        await mei.send(type="chat.typing", stream=ANNS, is_typing=True)
        for kind in ("chat.typing", "chat.marks", "chat.heads", "chat.entries"):
            await ann.news(kind)
        await ann.ask("chat.fetch", stream=ANNS, after=0)
        for frame in (*ann.frames, *mei.frames):
            said.validate_python(frame)


async def test_a_page_that_comes_back_gets_what_it_missed_and_nothing_twice(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei = await page(stand, ANN), await page(stand, MEI)
        await mei.ask("chat.open", stream=ANNS)
        await ann.write(ANNS, "one")
        held = await mei.reads(ANNS, 1)
        await mei.close()
        for text in ("two", "three"):
            await ann.write(ANNS, text)
        back = await page(stand, MEI, device=mei.device, holding=held)
        await back.news("chat.entries")
        assert {s["stream"]: s["head"] for s in back.welcome["streams"]}[ANNS] == 3
        pushed = [f for f in back.frames if f["type"] == "chat.entries"]
        assert [(f["after"], [e["position"] for e in f["entries"]]) for f in pushed] == [(1, [2, 3])]


async def test_a_cursor_that_is_far_behind_gets_a_window_after_a_reset(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        await fill(stand, 700)
        ann = await page(stand, ANN)
        held = await ann.reads(ANNS, 700)
        resets = [f for f in ann.frames if f["type"] == "chat.reset"]
        assert [(f["stream"], f["after"]) for f in resets] == [(ANNS, 600)]
        assert (len(held.entries), held.gaps) == (100, 0)
        [head] = await stand.house.conversations.heads([ANNS])
        assert held.digest == head.digest


async def test_five_hundred_entries_behind_are_told_without_a_reset(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        await fill(stand, 500)
        ann = await page(stand, ANN)
        held = await ann.reads(ANNS, 500)
        assert (len(held.entries), held.gaps) == (500, 0)
        assert not any(f["type"] == "chat.reset" for f in ann.frames)


async def test_a_cursor_that_this_server_does_not_have_is_reset(tmp_path: Path) -> None:
    """A database that was put back from a backup is shorter, or goes another way."""
    async with opened(tmp_path) as stand:
        await fill(stand, 5)
        for cursor in ({"position": 9, "digest": 7}, {"position": 5, "digest": 7}, {"position": 3, "digest": 7}):
            ann = await page(stand, ANN, cursors=[{"stream": ANNS, **cursor}])
            reset = await ann.news("chat.reset")
            assert (reset["after"], reset["digest"]) == (0, 0)
            assert len((await ann.reads(ANNS, 5)).entries) == 5


async def test_another_epoch_resets_every_cursor_that_holds_something(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        await fill(stand, 3)
        ann = await page(stand, ANN)
        held = await ann.reads(ANNS, 3)
        await stand.house.conversations.renew_epoch()
        stand.chat.desk.facts.forget()
        again = await page(stand, ANN, epoch=ann.welcome["epoch"], holding=held)
        assert again.welcome["epoch"] != ann.welcome["epoch"]
        await again.news("chat.reset")
        assert len((await again.reads(ANNS, 3)).entries) == 3


async def test_a_fetch_answers_with_what_comes_after_and_the_rest_follows(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        await fill(stand, 450)
        ann = await page(stand, ANN)
        await ann.reads(ANNS, 450)
        before = len(ann.frames)
        answer = await ann.ask("chat.fetch", stream=ANNS, after=10)
        assert (answer["type"], answer["after"], answer["entries"][0]["position"]) == ("chat.entries", 10, 11)

        def positions() -> list[int]:
            return [e["position"] for f in ann.frames[before:] if f["type"] == "chat.entries" for e in f["entries"]]

        await ann.when(lambda: len(positions()) >= 440)
        assert positions() == list(range(11, 451))


async def test_a_fetch_at_the_head_answers_with_nothing_and_beyond_it_with_a_reset(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        await fill(stand, 2)
        ann = await page(stand, ANN)
        held = await ann.reads(ANNS, 2)
        answer = await ann.ask("chat.fetch", stream=ANNS, after=2)
        assert (answer["entries"], answer["head"], answer["digest"]) == ([], 2, held.digest)
        ref = await ann.send(type="chat.fetch", stream=ANNS, after=99)
        await ann.news("chat.reset")
        assert [e["position"] for e in (await ann.answer_to(ref))["entries"]] == [1, 2]


async def test_long_words_are_cut_into_frames_that_a_data_channel_takes(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        await fill(stand, 40, text="鞋" * 4000)
        ann = await page(stand, ANN)
        held = await ann.reads(ANNS, 40)
        sizes = [len(str(f).encode()) for f in ann.frames if f["type"] == "chat.entries"]
        assert len(sizes) > 5
        assert max(sizes) < 64 * 1024
        assert (len(held.entries), held.gaps) == (40, 0)


async def test_heads_come_again_and_again_and_tell_of_what_was_told(tmp_path: Path) -> None:
    async with opened(tmp_path, heads_every_s=0.2) as stand:
        ann = await page(stand, ANN)
        await ann.write(ANNS, "one")
        heads = await ann.news("chat.heads", lambda f: f["heads"][0]["head"] == 1)
        [head] = heads["heads"]
        assert head == {"stream": ANNS, "head": 1, "digest": next_digest(0, ann.shelf(ANNS).entries[0]["id"])}


async def test_a_stream_that_was_left_is_told_no_more(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei = await page(stand, ANN), await page(stand, MEI)
        await mei.ask("chat.open", stream=ANNS)
        await ann.write(ANNS, "one")
        await mei.reads(ANNS, 1)
        await mei.ask("chat.leave", stream=ANNS)
        await ann.write(ANNS, "two")
        await mei.news("chat.inbox", lambda f: any(row["head"] == 2 for row in f["rows"]))
        assert mei.shelf(ANNS).texts() == ["one"]


async def test_marks_reach_the_other_side_and_ones_other_devices_and_never_go_beyond_the_head(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, desktop = await page(stand, ANN), await page(stand, MEI), await page(stand, MEI)
        await mei.ask("chat.open", stream=ANNS)
        await ann.write(ANNS, "one")
        await mei.send(type="chat.seen", stream=ANNS, delivered=77, read=1)
        mark = {"person_id": MEI.id, "side": "staff", "delivered": 1, "read": 1}
        for who in (ann, desktop):  # the desktop has not opened the conversation: it shows what is unread
            heard = await who.news("chat.marks", lambda f: f["stream"] == ANNS)
            assert heard["marks"] == [mark]
        late = await page(stand, ANN)
        assert (await late.news("chat.marks"))["marks"] == [mark]


async def test_staff_learn_at_hello_what_they_have_read_of_the_inbox(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei = await page(stand, ANN), await page(stand, MEI)
        await ann.write(ANNS, "one")
        await mei.send(type="chat.seen", stream=ANNS, delivered=1, read=1)
        await mei.news("chat.marks")
        desktop = await page(stand, MEI)
        assert (await desktop.news("chat.marks"))["marks"][0]["read"] == 1


async def test_the_inbox_tells_what_changed_and_a_first_visit_sees_what_is_not_closed(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        inbox = f"i.{COBBLER.id}"
        ann, tom, mei = await page(stand, ANN), await page(stand, TOM), await page(stand, MEI)
        await ann.write(ANNS, "The heel is loose")
        news = await mei.news("chat.inbox")
        [row] = news["rows"]
        assert (row["conversation"], row["name"], row["state"], row["preview"]) == (
            ANN.id, "Ann", "open", "The heel is loose",
        )  # fmt: skip
        assert (news["after"], news["position"], row["head"], row["customer_head"]) == (0, 1, 1, 1)
        await tom.write(f"c.{TOM.id}", "Is my bag ready?")
        second = await mei.news("chat.inbox", lambda f: f["after"] == 1)
        assert (second["is_whole"], [r["conversation"] for r in second["rows"]]) == (False, [TOM.id])
        li = await page(stand, LI)
        whole = await li.news("chat.inbox")
        assert (whole["is_whole"], whole["position"], len(whole["rows"])) == (True, 2, 2)
        back = await page(stand, LI, cursors=[{"stream": inbox, "position": 1, "digest": news["digest"]}])
        assert [r["conversation"] for r in (await back.news("chat.inbox"))["rows"]] == [TOM.id]


async def test_a_page_whose_inbox_this_database_does_not_know_is_told_all_of_it(tmp_path: Path) -> None:
    """A backup was put back and written on: the position alone would look right."""
    inbox = f"i.{COBBLER.id}"
    async with opened(tmp_path) as stand:
        ann, tom = await page(stand, ANN), await page(stand, TOM)
        for number in range(3):
            await ann.write(ANNS, f"{number}")
            await tom.write(f"c.{TOM.id}", f"{number}")
        for position in (1, 4, 5, 6):
            back = await page(stand, MEI, cursors=[{"stream": inbox, "position": position, "digest": 1}])
            whole = await back.news("chat.inbox")
            assert (whole["after"], whole["is_whole"], len(whole["rows"])) == (0, True, 2), position
        again = await page(stand, MEI, cursors=[{"stream": inbox, "position": 6, "digest": whole["digest"]}])
        await ann.write(ANNS, "and this")
        assert (await again.news("chat.inbox"))["after"] == 6


async def test_a_busy_inbox_is_told_a_few_times_a_second_and_ends_up_right(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        mei = await page(stand, MEI)
        await fill(stand, 50)
        await mei.news("chat.inbox", lambda f: f["position"] == 50)
        frames = [f for f in mei.frames if f["type"] == "chat.inbox"]
        assert len(frames) <= 3
        assert [f["after"] for f in frames[1:]] == [f["position"] for f in frames[:-1]]


async def fill(stand: Stand, count: int, *, text: str = "word") -> None:
    """`count` entries in Ann's conversation, each kept by a commit of its own."""
    for number in range(count):
        await stand.chat.append_by_machine(ANNS, f"job.{number}", "text", {"text": text})
