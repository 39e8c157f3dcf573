"""SQLite: one connection writes, on a thread of its own; several read, through aiosqlite.

SQLite before 3.51.3 can corrupt a WAL database when two connections write or checkpoint at once. So one connection
alone writes and checkpoints, in one process (a lock file sees to it), and it is opened first and closed last, because
opening recovers the log and the last one to close checkpoints.

`synchronous=FULL`: with NORMAL a commit in WAL mode is not flushed, and a power cut takes back messages that were
already acknowledged. The price, one flush per commit, is shared: writes that wait together are committed together. Only what
can be made again (the index of words) is committed with NORMAL: the next flush of the log, which is one file, has it, too.

The writer is not aiosqlite, which hops to its thread and back several times for each statement: that cost several times
what the statements did. A whole group of jobs runs on the writer's thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from domain.errors import Unavailable
from store.alone import alone
from store.columns import dump_json
from store.faults import BUSY, concerns_one_job, refusal_for, refusals
from store.migrations.upgrade import upgrade
from store.transactions import Job, T

READERS = 4
POOL_TIMEOUT = 10.0
BUSY_TIMEOUT_MS = 5000  # only a program from outside (a backup, the sqlite3 shell) can hold the lock
MAX_WAITING = 2000  # writes in the queue; beyond that a person would wait too long, and is told so
MAX_GROUP = 128  # writes per commit: bounds how long the first of them waits for the last
CACHE_KB = 32 * 1024
WAL_BYTES_KEPT = 64 * 1024 * 1024
WAL_PAGES = 8000  # then a commit writes the log back, and all others wait: under load every 2 s, not 4 times a second


@dataclass(slots=True, eq=False)
class _Waiting:
    job: Job[Any]
    done: asyncio.Future[Any]
    is_lasting: bool


class SqliteTransactions:
    """Implements `Transactions`. `run` must be running for writes to be done."""

    def __init__(self, writer: Engine, thread: ThreadPoolExecutor, reader: AsyncEngine) -> None:
        self._writer = writer
        self._thread = thread
        self._reader = reader
        self._queue: asyncio.Queue[_Waiting | None] = asyncio.Queue(MAX_WAITING)
        self._closing = False

    async def read(self, job: Job[T]) -> T:
        with refusals():
            async with self._reader.connect() as connection:
                return await connection.run_sync(job)

    async def write(self, job: Job[T], *, is_lasting: bool = True) -> T:
        waiting = _Waiting(job, asyncio.get_running_loop().create_future(), is_lasting)
        if self._closing:
            raise Unavailable("This server is stopping; nothing was kept. Try again in a moment.")
        try:
            self._queue.put_nowait(waiting)
        except asyncio.QueueFull:
            raise Unavailable(BUSY) from None
        result: T = await waiting.done  # ends: each commit is bounded by the busy timeout, and the queue by its size
        return result

    async def scrub(self) -> None:
        """Writes the file anew and cuts the write-ahead log off. `secure_delete` would not do: when SQLite moves rows from
        one page to another, what they were stays in the unused part of the first. Other writes wait meanwhile."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._scrub)

    def _scrub(self) -> None:
        with refusals():
            raw = self._writer.raw_connection()
            try:
                cursor = raw.cursor()
                cursor.execute("VACUUM")
                (is_busy, _, _) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                cursor.close()
            finally:
                raw.close()
        if is_busy:
            raise Unavailable("Somebody is reading what was deleted. It is tried again.")

    async def close(self) -> None:
        """Takes no more writes; `run` returns when those that wait are done."""
        self._closing = True
        await self._queue.put(None)

    async def run(self) -> None:
        """The one writer: takes all that waits, up to MAX_GROUP, and commits it at once."""
        open_ = True
        while open_:
            group: list[_Waiting] = []
            entry = await self._queue.get()
            while entry is not None:
                group.append(entry)
                if len(group) == MAX_GROUP or self._queue.empty():
                    break
                entry = self._queue.get_nowait()
            open_ = entry is not None
            live = [waiting for waiting in group if not waiting.done.done()]  # whoever was cancelled wants nothing
            if live:
                await self._commit(live)

    async def _commit(self, group: list[_Waiting]) -> None:
        jobs, is_lasting = [waiting.job for waiting in group], any(waiting.is_lasting for waiting in group)
        outcomes: list[Any]
        try:
            outcomes = await asyncio.get_running_loop().run_in_executor(self._thread, self._write, jobs, is_lasting)
        except Exception as fault:
            outcomes = [_Failed(fault)] * len(group)
        for waiting, outcome in zip(group, outcomes, strict=True):
            if waiting.done.done():
                continue
            if isinstance(outcome, _Failed):
                waiting.done.set_exception(outcome.fault)
            else:
                waiting.done.set_result(outcome)

    def _write(self, jobs: list[Job[Any]], is_lasting: bool) -> list[Any]:
        with refusals(), self._writer.connect() as plain:
            connection = plain.execution_options(is_lasting=is_lasting)
            with connection.begin():
                return _run_group(connection, jobs)


@dataclass(frozen=True, slots=True)
class _Failed:
    fault: Exception


def _run_group(connection: Connection, jobs: list[Job[Any]]) -> list[Any]:
    """Each job's result, or `_Failed`. A job that raises is undone alone, a fault of the database undoes all."""
    if len(jobs) == 1:
        return [jobs[0](connection)]  # the transaction itself is what is undone
    outcomes: list[Any] = []
    for job in jobs:
        try:
            with connection.begin_nested():
                outcomes.append(job(connection))
        except Exception as fault:
            if isinstance(fault, DBAPIError) and not concerns_one_job(fault):
                raise
            outcomes.append(_Failed(refusal_for(fault)))
    return outcomes


@asynccontextmanager
async def open_sqlite(path: Path) -> AsyncIterator[SqliteTransactions]:
    """Opens or makes the database file (an absolute path) and migrates it."""
    async with alone(path):
        loop = asyncio.get_running_loop()
        writer, reader = _writer(path), _reader(path)
        thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite writer")
        try:
            await loop.run_in_executor(thread, _upgrade, writer)
            transactions = SqliteTransactions(writer, thread, reader)
            task = asyncio.create_task(transactions.run(), name="sqlite writer")
            try:
                yield transactions
            finally:
                await transactions.close()
                await task
        finally:
            await reader.dispose()
            await loop.run_in_executor(thread, writer.dispose)
            thread.shutdown()


def _upgrade(writer: Engine) -> None:
    with refusals(), writer.begin() as connection:
        upgrade(connection)


def _writer(path: Path) -> Engine:
    engine = create_engine(_address(path, "sqlite"), pool_size=1, max_overflow=0, json_serializer=dump_json)
    log_limit = f"journal_size_limit={WAL_BYTES_KEPT}"
    _prepare(engine, "journal_mode=WAL", f"cache_size=-{CACHE_KB}", log_limit, f"wal_autocheckpoint={WAL_PAGES}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        wanted = "FULL" if connection.get_execution_options().get("is_lasting", True) else "NORMAL"
        if connection.info.get("synchronous") != wanted:
            connection.exec_driver_sql(f"PRAGMA synchronous={wanted}")
            connection.info["synchronous"] = wanted
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _reader(path: Path) -> AsyncEngine:
    engine = create_async_engine(
        _address(path, "sqlite+aiosqlite"),
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
        json_serializer=dump_json,
        isolation_level="AUTOCOMMIT",
    )
    _prepare(engine.sync_engine, "query_only=ON", "wal_autocheckpoint=0")
    return engine


def _address(path: Path, driver: str) -> URL:
    return URL.create(driver, database=str(path))


def _prepare(engine: Engine, *pragmas: str) -> None:
    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself: `begin` does
        cursor = connection.cursor()
        for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON", *pragmas):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
