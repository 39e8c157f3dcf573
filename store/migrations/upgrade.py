"""Brings a database to the newest step."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from domain.errors import Unavailable

HERE = Path(__file__).parent


def upgrade(connection: Connection, to: str = "head") -> None:
    """Runs the steps that are missing (up to `to`), inside the caller's transaction: all or none. Does nothing to a
    database that has them. Raises Unavailable for a database that a newer Loupe has already changed."""
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    if MigrationContext.configure(connection).get_current_heads() == tuple(
        ScriptDirectory.from_config(config).get_heads()
    ):
        return
    try:
        command.upgrade(config, to)
    except CommandError as fault:
        raise Unavailable(
            "This database was made by a newer Loupe. Start that one, or restore an older backup."
        ) from fault
