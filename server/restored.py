"""What an operator says after a backup was put back."""

from __future__ import annotations

from pathlib import Path

from server.settings import Settings
from server.starting import CannotStart
from store.database import SQLITE, open_database


async def begin_anew(settings: Settings) -> None:
    """Gives the database a new epoch: devices then offer what it lost. Raises CannotStart where there is no database, or
    a Refusal (with a sentence) when a server has it open."""
    address = settings.database
    if address.startswith(SQLITE) and not (file := Path(address.removeprefix(SQLITE))).is_file():
        raise CannotStart(
            f"There is no database at {file}. Put the backup there first, or name its folder with --data."
        )
    async with open_database(address) as database:
        await database.conversations.renew_epoch()
