"""The messages command: its WebSocket, its audit, and a short run of each kind against a real server."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import zlib
from pathlib import Path

import pytest

from loadtest.__main__ import main
from loadtest.messages import Wanted, check
from loadtest.messages_audit import audit, held
from loadtest.messages_page import Cursor, Figures, Page, Writing
from loadtest.messages_people import Address, Person
from loadtest.messages_wire import PING, Wire, frame
from loadtest.server_process import LoupeServer, NotStarted
from loadtest.target import CannotLoad

ANN = Person("ann", "customer", "")


class Kept(asyncio.Transport):
    """What was written to nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def abort(self) -> None:
        return


def said(body: bytes, kind: int = 1) -> bytes:
    """As servers say it: not masked."""
    if len(body) < 126:
        return bytes((0x80 | kind, len(body))) + body
    size = (b"\x7e" + len(body).to_bytes(2, "big")) if len(body) < 1 << 16 else (b"\x7f" + len(body).to_bytes(8, "big"))
    return bytes((0x80 | kind,)) + size + body


async def test_frames_are_heard_whole_wherever_the_network_cuts_them() -> None:
    texts = [b"", b"short", b"a" * 200, b"b" * 70_000]
    stream = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n" + said(b"alive?", PING)
    stream += b"".join(said(text) for text in texts)
    for step in (1, 7, 1000, len(stream)):
        heard: list[bytes] = []
        wire, transport = Wire(b"", heard.append, lambda _: None), Kept()
        wire.connection_made(transport)
        for at in range(0, len(stream) if step > 1 else 400, step):
            wire.data_received(stream[at : at + step])
        assert heard == texts if step > 1 else heard[:3] == texts[:3]
        assert transport.written == frame(b"alive?", 10)
        assert wire.opened.done()


def record(path: Path, rows: list[tuple[str, int, str, str]]) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE entries (stream, position, id, device)")
        database.executemany("INSERT INTO entries VALUES (?, ?, ?, ?)", rows)


async def test_the_audit_finds_what_was_lost_doubled_or_put_out_of_order(tmp_path: Path) -> None:
    writing = Writing("dev")
    for number in range(1, 5):
        writing.add(0.0, "c.ann").position = number
    page = Page(Address("127.0.0.1", 1), ANN, "other", "t", Figures())
    digest = 0
    for number in range(1, 5):
        digest = zlib.crc32(f"dev-{number}".encode(), digest)
    page.cursors["c.ann"] = Cursor(4, digest)
    kept = [("c.ann", number, f"dev-{number}", "dev") for number in range(1, 5)]

    record(tmp_path / "good", kept)
    good = audit(tmp_path / "good", held([writing], [page]))
    assert (good.kept, good.lost, good.duplicated, good.reordered, good.gaps) == (4, 0, 0, 0, 0)
    assert (good.pages_behind, good.pages_wrong) == (0, 0)

    record(tmp_path / "lost", kept[:3])
    assert audit(tmp_path / "lost", held([writing], [])).lost == 1
    record(tmp_path / "doubled", [*kept, ("c.ann", 5, "dev-1", "dev")])
    doubled = audit(tmp_path / "doubled", held([writing], [page]))
    assert (doubled.duplicated, doubled.reordered, doubled.pages_behind) == (1, 1, 1)
    record(tmp_path / "turned", [kept[0], ("c.ann", 2, "dev-3", "dev"), ("c.ann", 3, "dev-2", "dev"), kept[3]])
    turned = audit(tmp_path / "turned", held([writing], [page]))
    assert (turned.lost, turned.reordered, turned.pages_wrong) == (2, 1, 1)


@pytest.mark.parametrize(
    "wanted", [Wanted(devices=0), Wanted(devices=1000), Wanted(rate=100.0), Wanted(idle=10**6), Wanted(inbox=10**5)]
)
def test_what_the_server_would_rightly_refuse_cannot_be_asked(wanted: Wanted) -> None:
    with pytest.raises(CannotLoad):
        check(wanted)


@pytest.mark.journey
def test_messages_with_faults_are_lost_by_nobody(tmp_path: Path) -> None:
    told = tmp_path / "messages.json"
    given = ["messages", "--devices", "20", "--rate", "10", "--messages", "1000", "--faults", "--json", str(told)]
    assert main(given) == 0
    facts = json.loads(told.read_text())
    said = facts["messages"]
    assert (said["written"], said["kept"], said["acknowledged"]) == (1000, 1000, 1000)
    assert (said["lost"], said["duplicated"], said["reordered"]) == (0, 0, 0)
    assert facts["faults"]["server killed"] == 1
    assert any(name.startswith("long poll: ") for name in facts["faults"])
    assert facts["verdict"]["is_good"]


async def test_a_server_that_does_not_start_says_how_it_ended_and_why(tmp_path: Path) -> None:
    server = LoupeServer(tmp_path / "data", "--media-port", "none")
    with pytest.raises(NotStarted, match=r"exit code 2\): Usage") as told:
        await server.start()
    assert "media-port" in str(told.value)


@pytest.mark.journey
def test_a_shops_inbox_is_measured_on_all_its_pages(tmp_path: Path) -> None:
    told = tmp_path / "inbox.json"
    assert main(["messages", "--inbox", "40", "--messages", "5", "--json", str(told)]) == 0
    facts = json.loads(told.read_text())
    assert (facts["inbox"]["sessions"], facts["inbox"]["missing"], facts["inbox_ms"]["count"]) == (40, 0, 5)
