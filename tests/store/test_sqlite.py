"""What SQLite alone must promise: one writer, one process, nothing lost by a kill or a full disk."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from domain.errors import Invalid, Unavailable
from domain.people import Shop
from domain.record import CallEvent
from store.alone import alone
from store.database import open_database
from store.sqlite import MAX_WAITING, open_sqlite

ROOT = Path(__file__).parents[2]
ACKNOWLEDGED = 300


async def spawn(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", *arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


async def test_a_kill_in_the_middle_of_appends_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'kill.sqlite'}"
    process = await spawn("tests.store.appender", address, "8")
    assert process.stdout is not None
    lines: list[bytes] = []
    async with asyncio.timeout(60):
        while len(lines) < ACKNOWLEDGED:
            line = await process.stdout.readline()
            assert line, "the writer ended by itself"
            lines.append(line)
        process.kill()
        rest, _ = await process.communicate()
    whole = [line for line in [*lines, *rest.splitlines(keepends=True)] if line.endswith(b"\n")]
    acknowledged = {(int(position), author, cmid) for position, author, cmid in (ln.decode().split() for ln in whole)}
    async with open_database(address) as db:
        kept: list[CallEvent] = []
        while page := await db.calls.events("k", after=len(kept), limit=1000):
            kept += page
    assert [event.position for event in kept] == list(range(1, len(kept) + 1))
    assert acknowledged <= {(event.position, event.author, event.cmid) for event in kept}
    assert len(acknowledged) >= ACKNOWLEDGED
    with sqlite3.connect(tmp_path / "kill.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


async def test_a_full_disk_is_told_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    process = await spawn("tests.store.full_disk", str(tmp_path))
    async with asyncio.timeout(100):
        output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    told = json.loads(output.splitlines()[-1])
    assert told["acknowledged"]
    assert told["refused"]
    assert all("nothing was kept" in message for message in told["refused"] + told["blob_refused"])
    assert len(told["blob_refused"]) == 1
    assert told["readable_while_full"] == len(told["acknowledged"])
    assert told["after"] == len(told["acknowledged"]) + 1
    assert len([path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]) == 1
    async with open_database(f"sqlite:///{tmp_path / 'full.sqlite'}") as db:
        kept = await db.calls.events("k", limit=1000)
    assert [event.cmid for event in kept[:-1]] == told["acknowledged"]
    assert [event.position for event in kept] == list(range(1, len(kept) + 1))


async def test_a_commit_is_flushed_to_the_disk_and_readers_cannot_write(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "a.sqlite") as transactions:

        def pragma(name: str) -> Callable[[Connection], Any]:
            return lambda connection: connection.execute(text(f"PRAGMA {name}")).scalar_one()

        assert await transactions.write(pragma("synchronous")) == 2  # FULL
        assert await transactions.write(pragma("journal_mode")) == "wal"
        assert await transactions.write(pragma("foreign_keys")) == 1
        assert await transactions.read(pragma("query_only")) == 1
        with pytest.raises(Unavailable):
            await transactions.read(lambda connection: connection.execute(text("DELETE FROM shops")))


async def test_only_a_group_in_which_nothing_must_last_is_committed_without_a_flush(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "flush.sqlite") as transactions:

        def level(connection: Connection) -> int:
            return int(connection.execute(text("PRAGMA synchronous")).scalar_one())

        full, normal = 2, 1  # https://www.sqlite.org/pragma.html#pragma_synchronous
        assert await transactions.write(level) == full
        assert await transactions.write(level, is_lasting=False) == normal
        group = (transactions.write(level, is_lasting=False), transactions.write(level))
        assert [*await asyncio.gather(*group)] == [full, full]
        assert await transactions.write(level) == full


async def test_all_writes_go_through_one_connection(tmp_path: Path) -> None:
    seen: set[int] = set()

    def remember(connection: Connection) -> None:
        seen.add(id(connection.connection.driver_connection))

    async with open_sqlite(tmp_path / "a.sqlite") as transactions:
        await asyncio.gather(*(transactions.write(remember) for _ in range(50)))
        await transactions.write(remember)
    assert len(seen) == 1


async def test_writes_beyond_the_queue_are_refused_at_once(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "a.sqlite") as transactions:
        writes = [asyncio.ensure_future(transactions.write(lambda _: None)) for _ in range(MAX_WAITING + 1)]
        results = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [Unavailable]


async def test_writes_that_wait_are_done_before_the_database_closes(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'a.sqlite'}"
    async with open_database(address) as db:
        writes = [
            asyncio.ensure_future(db.people.add_shop(Shop(id=f"s-{i}", slug=f"s-{i}", name="S"))) for i in range(100)
        ]
        await asyncio.wait([writes[0]])
    await asyncio.gather(*writes)
    with pytest.raises(Unavailable, match="stopping"):
        await db.people.add_shop(Shop(id="late", slug="late", name="S"))
    async with open_database(address) as db:
        assert [(await db.people.shop(f"s-{i}")).slug for i in range(100)] == [f"s-{i}" for i in range(100)]


async def test_a_second_server_on_the_same_file_is_refused(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'kill.sqlite'}"
    process = await spawn("tests.store.appender", address, "1")
    assert process.stdout is not None
    async with asyncio.timeout(60):
        await process.stdout.readline()
        with pytest.raises(Unavailable, match="Another Loupe"):
            async with alone(tmp_path / "kill.sqlite", patience=0.1):
                pass
        process.kill()
        await process.communicate()
    async with open_database(address):
        with pytest.raises(Unavailable, match="already open"):
            async with open_database(address):
                pass


async def test_the_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    async with open_database(f"sqlite:///{tmp_path / 'new' / 'a.sqlite'}") as db:
        await db.people.add_shop(Shop(id="s", slug="s", name="S"))
        files = list((tmp_path / "new").iterdir())
        assert len(files) == 4  # the database, its log, the log's index, the lock
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


async def test_closing_leaves_no_descriptor_behind(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'a.sqlite'}"
    async with open_database(address) as db:
        await db.calls.open_calls()
    before = os.listdir("/proc/self/fd")
    for _ in range(3):
        async with open_database(address) as db:
            await asyncio.gather(*(db.calls.open_calls() for _ in range(10)))
    assert len(os.listdir("/proc/self/fd")) == len(before)
    assert not (tmp_path / "a.sqlite-wal").exists()  # the last connection to close wrote it back


@pytest.mark.parametrize("address", ["", "mysql://x", "sqlite://", "sqlite:///", "loupe.sqlite", "postgresql://[::1"])
async def test_an_address_that_means_nothing_is_refused_with_the_right_form(address: str) -> None:
    with pytest.raises(Invalid, match="postgresql://"):
        async with open_database(address):
            pass


async def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="data folder"):
        async with open_database(f"sqlite:///{tmp_path / 'file' / 'a.sqlite'}"):
            pass


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"not a database, but somebody's notes" * 100)
    with pytest.raises(Unavailable):
        async with open_database(f"sqlite:///{tmp_path / 'notes.txt'}"):
            pass
    assert (tmp_path / "notes.txt").read_bytes() == b"not a database, but somebody's notes" * 100
