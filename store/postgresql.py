"""PostgreSQL through asyncpg: a pool of connections, rows locked by those who change them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from domain.errors import Invalid
from store.columns import dump_json
from store.faults import UNCERTAIN, refusals
from store.migrations.upgrade import upgrade
from store.transactions import Job, T

POOL = 16  # more connections than cores gain nothing; nodes share the server's limit (100 by default)
CONNECT_TIMEOUT = 5.0
COMMAND_TIMEOUT = 15.0
POOL_TIMEOUT = 10.0
MIGRATION_LOCK = 0x10_0BE  # any number that all nodes agree on


class PostgresTransactions:
    """Implements `Transactions`. Writers of one call queue up on its row (READ COMMITTED, row locks)."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")  # one statement needs no BEGIN and COMMIT

    async def read(self, job: Job[T]) -> T:
        with refusals():
            async with self._reader.connect() as connection:
                return await connection.run_sync(job)

    async def write(self, job: Job[T], *, is_lasting: bool = True) -> T:
        with refusals():
            async with self._engine.connect() as connection:
                transaction = await connection.begin()
                result = await connection.run_sync(job)
                with refusals(UNCERTAIN):
                    await transaction.commit()
                return result

    async def scrub(self) -> None:
        """Old versions of rows are the server's to remove: its autovacuum does."""


@asynccontextmanager
async def open_postgresql(url: str) -> AsyncIterator[PostgresTransactions]:
    """Connects and migrates; nodes that start together migrate one after the other."""
    try:
        address = make_url(url).set(drivername="postgresql+asyncpg")
    except (ArgumentError, ValueError) as fault:
        raise Invalid("The database address is not of the form postgresql://user:password@host/name.") from fault
    engine = create_async_engine(
        address,
        pool_size=POOL,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
        pool_pre_ping=True,  # after a restart of the database the first person should not be the one to notice
        json_serializer=dump_json,
        connect_args={
            "timeout": CONNECT_TIMEOUT,
            "command_timeout": COMMAND_TIMEOUT,
            # synchronous_commit may be off for the whole server; what is acknowledged here must be on the disk
            "server_settings": {"application_name": "loupe", "timezone": "UTC", "synchronous_commit": "on"},
        },
    )
    try:
        with refusals():
            async with engine.begin() as connection:
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
                await connection.run_sync(upgrade)
        yield PostgresTransactions(engine)
    finally:
        await engine.dispose()
