"""How the stores reach a database: a job is a plain function of one SQLAlchemy connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")
Job = Callable[[Connection], T]


class Transactions(Protocol):
    """A job may await nothing, and may run on another thread while the event loop goes on: besides its connection it
    touches only values that do not change. What a job raises undoes what it wrote and passes through. A job runs at most
    once. Raises Unavailable when the database is away or full.
    """

    async def read(self, job: Job[T]) -> T:
        """Runs one statement that writes nothing; sees everything that a `write` answered before."""

    async def write(self, job: Job[T], *, is_lasting: bool = True) -> T:
        """Runs the job in a transaction of its own and returns when it is on the disk. Not lasting: a power cut may undo it,
        and what was written after it and not lasting either; never anything lasting."""

    async def scrub(self) -> None:
        """Makes sure that what was deleted is not in the database's files any more, as far as that is in our hands. Raises
        Unavailable while somebody's reading keeps it there."""
