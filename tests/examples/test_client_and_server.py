"""The example client, against a started server: what docs/protocol-conversation.md promises to who follows it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from docs.examples.fold import Frame
from docs.examples.page import Page
from docs.examples.ways import by_polling, by_socket, stay, upload
from loadtest.server_process import LoupeServer
from tests.journeys.test_restored import restored
from tests.support.rtc_heard import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Shop:
    """A demonstration shop: `ann` and `lin` are the cookies of a customer and of one of its staff."""

    def __init__(
        self, server: LoupeServer, ann: aiohttp.ClientSession, lin: aiohttp.ClientSession, ann_id: str
    ) -> None:
        self.server, self.ann, self.lin, self.ann_id, self.stream = server, ann, lin, ann_id, f"c.{ann_id}"

    @contextlib.asynccontextmanager
    async def open(self, page: Page, *, polls: bool = False, is_staff: bool = False) -> AsyncIterator[Page]:
        """The page is there for so long, and comes back when it is cut."""
        session, side = (self.lin, "staff") if is_staff else (self.ann, "customer")

        def carry() -> Awaitable[int | None]:
            if polls:
                return by_polling(page, session, f"{self.server.base}/api/chat/poll")
            return by_socket(page, session, f"{self.server.base}/ws/{side}/chat")

        async with staying(lambda: stay(page, carry)):
            await until(lambda: page.me)
            yield page


@contextlib.asynccontextmanager
async def staying(run: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LoupeServer]:
    async with LoupeServer(tmp_path_factory.mktemp("shop") / "data") as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def shop(server: LoupeServer) -> AsyncIterator[Shop]:
    async with entered(server) as made:
        yield made


@contextlib.asynccontextmanager
async def entered(server: LoupeServer) -> AsyncIterator[Shop]:
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as ann,  # of an address, not of a name
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as lin,
    ):
        async with ann.post(f"{server.base}/api/enter", json={"shop": "demo", "name": "Ann"}) as entered:
            ann_id = (await entered.json())["customer"]["id"]
        sign_in = {"username": server.facts["username"], "password": server.facts["password"]}
        async with lin.post(f"{server.base}/api/sign-in", json=sign_in, raise_for_status=True):
            yield Shop(server, ann, lin, ann_id)


class CutPage(Page):
    """Loses its connection with each fifth acknowledgement, before it has heard it."""

    acks = 0

    def hear(self, frame: Frame) -> None:
        self.acks += frame["type"] == "chat.ack"
        if frame["type"] == "chat.ack" and self.acks % 5 == 0:
            raise ConnectionError("cut")
        super().hear(frame)


def texts(page: Page, stream: str) -> list[str]:
    return [entry["body"].get("text", entry["kind"]) for entry in page.state(stream)["entries"]]


def agree(stream: str, *pages: Page) -> bool:
    return len({(page.state(stream)["head"], page.state(stream)["digest"]) for page in pages}) == 1


async def test_what_is_written_through_cuts_a_reload_and_a_killed_server_is_kept_once_and_in_order(
    shop: Shop, tmp_path: Path
) -> None:
    c, wanted = shop.stream, [f"m{number}" for number in range(60)]
    ann: Page = CutPage(tmp_path / "ann.json")
    second = Page(tmp_path / "second.json")
    async with shop.open(second, polls=True):
        async with shop.open(ann):
            for text in wanted[:30]:
                ann.write(c, "text", {"text": text})
            await until(lambda: len(texts(second, c)) > 5)
            await shop.server.kill()
            for text in wanted[30:40]:
                ann.write(c, "text", {"text": text})
            await shop.server.start()
            await until(lambda: len(texts(second, c)) > 32, 30)
        ann = Page(tmp_path / "ann.json")  # its page was closed meanwhile, and opens again
        for text in wanted[40:]:
            ann.write(c, "text", {"text": text})
        async with shop.open(ann):
            await until(lambda: not ann.kept["waiting"] and not ann.kept["acked"], 30)
            await until(lambda: agree(c, ann, second), 30)
    assert texts(ann, c) == texts(second, c) == wanted
    assert ann.given_up == []


async def test_staff_read_the_inbox_answer_and_are_held_back_where_they_have_not_read(
    shop: Shop, tmp_path: Path
) -> None:
    c, ann, desk = shop.stream, Page(tmp_path / "ann.json"), Page(tmp_path / "desk.json")
    async with shop.open(ann), shop.open(desk, is_staff=True):
        asked = ann.write(c, "text", {"text": "The heel is loose"})
        await until(lambda: desk.kept["inbox"]["rows"].get(shop.ann_id, {}).get("preview") == "The heel is loose")
        desk.open(c)
        await until(lambda: agree(c, ann, desk) and texts(desk, c))
        desk.ask("chat.seen", stream=c, delivered=1, read=1)
        await until(lambda: [mark["read"] for mark in ann.kept["marks"].get(c, []) if mark["side"] == "staff"] == [1])

        answer = desk.write(c, "text", {"text": "Bring it"}, seen=0)
        await until(lambda: desk.kept["held"] == {answer: 1})
        desk.insist(answer)
        desk.ask("chat.inbox.set", id="close-0001", conversation=shop.ann_id, deed="close")
        await until(lambda: texts(ann, c) == ["The heel is loose", "Bring it"])
        await until(lambda: desk.kept["inbox"]["rows"][shop.ann_id]["assignee_name"])

        ann.write(c, "recall", {"target": asked})
        ann.write(c, "recall", {"target": "nothing-of-mine"})
        ann.write(c, "text", {"text": "Never mind"})
        await until(lambda: texts(desk, c) == ["text", "Bring it", "recall", "Never mind"])
        assert [refusal["code"] for refusal in ann.given_up] == ["not_found"]
        assert desk.state(c)["entries"][0]["gone"] == "recalled"


async def test_a_page_that_lost_or_altered_what_it_kept_has_it_again(shop: Shop, tmp_path: Path) -> None:
    c, ann, desk = shop.stream, Page(tmp_path / "ann.json"), Page(tmp_path / "desk.json")
    async with shop.open(ann), shop.open(desk, is_staff=True):
        for number in range(5):
            ann.write(c, "text", {"text": f"m{number}"})
        await until(lambda: len(texts(ann, c)) == 5)
        desk.open(c)
        await until(lambda: agree(c, ann, desk))
        for fault in ({"head": 3, "entries": ann.state(c)["entries"][:3]}, {"digest": 1}):
            with ann.change() as kept:
                kept["streams"][c] |= fault
            desk.write(c, "text", {"text": "and?"}, force=True)
            await until(lambda: agree(c, ann, desk) and not ann.kept["waiting"] and not desk.kept["waiting"])
        assert texts(ann, c) == texts(desk, c) == ["m0", "m1", "m2", "m3", "m4", "and?", "and?"]
        async with shop.ann.get(f"{shop.server.base}/api/streams/{c}/entries?before=4&limit=2") as older:
            assert [entry["body"]["text"] for entry in (await older.json())["entries"]] == ["m1", "m2"]


async def test_a_file_goes_on_where_it_was_cut_and_comes_to_the_shop(shop: Shop, tmp_path: Path) -> None:
    c, base, content = shop.stream, shop.server.base, random.Random(1).randbytes(2_500_000)
    ann, desk = Page(tmp_path / "ann.json"), Page(tmp_path / "desk.json")
    begun = {"conversation": shop.ann_id, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    async with shop.ann.post(f"{base}/api/uploads", json=begun) as answer:
        where = f"{base}/api/uploads/{(await answer.json())['upload']}?offset="
    async with shop.ann.put(where + "0", data=content[:700_000], raise_for_status=True):
        pass  # and here the phone was cut
    async with shop.ann.put(where + "0", data=content[:700_000]) as answer:
        assert (answer.status, (await answer.json())["expected"]) == (409, 700_000)
    attachment = await upload(shop.ann, base, shop.ann_id, "paper.bin", content)
    async with shop.open(ann), shop.open(desk, is_staff=True):
        ann.write(c, attachment["kind"], {"attachment": attachment["id"], "caption": "The bill"})
        desk.open(c)
        await until(lambda: texts(desk, c) == ["file"])
        assert desk.state(c)["entries"][0]["body"]["file"]["bytes"] == len(content)
        async with shop.lin.get(f"{base}/api/attachments/{attachment['id']}") as kept:
            assert await kept.read() == content


class Talk:
    """A customer with two devices, and a page of the shop that has their conversation open. `polls`: the first device does."""

    def __init__(self, shop: Shop, folder: Path, *, polls: bool) -> None:
        self.shop, self.polls, self.stream = shop, polls, shop.stream
        folder.mkdir()
        self.ann, self.second, self.desk = (Page(folder / f"{name}.json") for name in ("ann", "second", "desk"))

    def agree(self, *more: Page) -> bool:
        return agree(self.stream, self.ann, self.desk, *more)

    async def begin(self) -> None:
        self.second.write(self.stream, "text", {"text": "from both"})
        await until(lambda: agree(self.stream, self.ann, self.second) and texts(self.ann, self.stream))
        self.desk.open(self.stream)
        await until(self.agree)

    async def go_on(self) -> None:
        self.desk.write(self.stream, "text", {"text": "from the shop"}, force=True)
        self.second.write(self.stream, "text", {"text": "from the second"})
        await until(lambda: len(texts(self.ann, self.stream)) == 3 and self.agree(self.second), 30)

    async def go_on_without_the_second(self) -> None:
        self.ann.write(self.stream, "text", {"text": "from the first"})
        regret = self.ann.write(self.stream, "text", {"text": "a slip"})
        self.ann.write(self.stream, "recall", {"target": regret})
        self.desk.write(f"n.{self.shop.ann_id}", "note", {"text": "a note"})
        await until(
            lambda: len(texts(self.desk, self.stream)) == 6 and self.agree() and not self.desk.kept["waiting"], 30
        )

    async def come_back(self) -> None:
        wanted = {"from both", "from the shop", "from the first", "while it was away"}
        await until(lambda: wanted <= {*texts(self.ann, self.stream)} and self.agree(), 30)
        async with self.shop.open(self.second):
            await until(lambda: "from the second" in texts(self.desk, self.stream) and self.agree(self.second), 30)
        pages = (self.ann, self.desk)
        await until(lambda: not any(page.kept[name] for page in pages for name in ("waiting", "acked", "lost")), 30)
        entries = self.desk.state(self.stream)["entries"]
        said = [entry["body"]["text"] for entry in entries if entry["body"].get("text")]
        assert sorted(said) == sorted({*wanted, "from the second"})


@pytest.mark.parametrize("is_said", [True, False], ids=["with-loupe-restored", "without-a-word"])
async def test_what_a_backup_lacks_is_offered_back_by_devices_that_stayed_and_by_one_that_comes_later(
    server: LoupeServer, tmp_path: Path, is_said: bool
) -> None:
    """By socket and by polling. The epoch changes with `loupe restored`; without it the digests tell."""
    backup = tmp_path / "backup"
    async with contextlib.AsyncExitStack() as stack:
        talks = []
        for name in ("sockets", "polls"):
            shop = await stack.enter_async_context(entered(server))
            talks.append(talk := Talk(shop, tmp_path / name, polls=name == "polls"))
            await stack.enter_async_context(shop.open(talk.ann, polls=talk.polls))
            await stack.enter_async_context(shop.open(talk.desk, is_staff=True))
        async with contextlib.AsyncExitStack() as seconds:
            for talk in talks:
                await seconds.enter_async_context(talk.shop.open(talk.second))
            await asyncio.gather(*(talk.begin() for talk in talks))
            await server.stop()
            shutil.copytree(server.data, backup)
            await server.start()
            await asyncio.gather(*(talk.go_on() for talk in talks))
        await asyncio.gather(*(talk.go_on_without_the_second() for talk in talks))
        before = [talk.ann.kept["epoch"] for talk in talks]
        await server.stop()
        shutil.rmtree(server.data)
        shutil.copytree(backup, server.data)
        assert not is_said or (await restored(server.data))[0] == 0
        for talk in talks:
            talk.ann.write(talk.stream, "text", {"text": "while it was away"})
        await server.start()
        await asyncio.gather(*(talk.come_back() for talk in talks))
        for talk, epoch in zip(talks, before, strict=True):
            assert (talk.ann.kept["epoch"] != epoch) == is_said
