"""Turns what SQLAlchemy, the drivers and the disk raise into refusals of `domain.errors`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from domain.errors import Conflict, Invalid, NotFound, Refusal, Unavailable

AWAY = "The database cannot be used right now; nothing was kept. Try again in a moment."
UNCERTAIN = "The database went away while this was being kept. Send it again: what comes twice is kept once."
BUSY = "The database has more to do than it can; nothing was kept. Try again in a moment."
DISK = "The disk is full or broken; nothing was kept. Make room on it and try again."
DAMAGED = "The database file is damaged, or no database; nothing was kept. Put it back from a backup."
DAMAGED_CODES = frozenset({"SQLITE_NOTADB", "SQLITE_CORRUPT"})
FOREIGN_KEY = frozenset({"23503", "SQLITE_CONSTRAINT_FOREIGNKEY"})
DISK_FULL = "53100"  # PostgreSQL; SQLite's names begin with these:
DISK_FAULTS = ("SQLITE_FULL", "SQLITE_IOERR")
log = structlog.get_logger(__name__)


@contextmanager
def refusals(away: str = AWAY) -> Iterator[None]:
    """Around everything that touches the database. Refusals pass through; a fault of our own SQL stays what it is."""
    try:
        yield
    except Exception as fault:
        told = refusal_for(fault, away)
        if told is fault:
            raise
        raise told from fault


def refusal_for(fault: Exception, away: str = AWAY) -> Exception:
    """What to tell instead of `fault`; `fault` itself when trying again would not help and a programmer must see it."""
    if isinstance(fault, Refusal):
        return fault
    if isinstance(fault, PoolTimeout | OSError | TimeoutError):
        log.error("database away", cause=type(fault).__name__)
        return Unavailable(away)
    if isinstance(fault, OverflowError | UnicodeEncodeError | DataError):
        return Invalid("This holds a value that cannot be kept. Correct it and send again.")
    if isinstance(fault, StatementError) and isinstance(fault.orig, Refusal | OverflowError):
        return refusal_for(fault.orig)  # a column type refused the value
    if isinstance(fault, IntegrityError):
        if _code(fault) in FOREIGN_KEY:
            return NotFound("What this belongs to is not known here.")
        return Conflict("Something else with this name or id is already kept.")
    if isinstance(fault, DBAPIError) and not isinstance(fault, ProgrammingError):
        code = _code(fault)
        log.error("database fault", cause=code or type(fault.orig).__name__)
        if code in DAMAGED_CODES:
            return Unavailable(DAMAGED)
        return Unavailable(DISK if code == DISK_FULL or code.startswith(DISK_FAULTS) else away)
    return fault


def concerns_one_job(fault: DBAPIError) -> bool:
    """True when the connection and its transaction are sound and only this job cannot be done."""
    return isinstance(fault, IntegrityError | DataError | ProgrammingError)


def _code(fault: DBAPIError) -> str:
    """PostgreSQL's SQLSTATE or SQLite's error name."""
    return str(getattr(fault.orig, "sqlstate", None) or getattr(fault.orig, "sqlite_errorname", None) or "")
