"""`python -m loadtest COMMAND ...`; `--help` lists the commands. Exit codes: 0 measured, 1 a limit was passed or it could
not be measured, 2 typed wrongly or cannot be asked of this server or machine, 3 no Chromium, 4 a server did not start,
130 Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

import aiohttp
from rich.console import Console

from loadtest import bench, command
from loadtest.answering import NoPicture
from loadtest.calls import NoCalls
from loadtest.chat import ChatBroke
from loadtest.compare import NoReport
from loadtest.front_door import Refused
from loadtest.options import check_file, check_files, limits_of, parser
from loadtest.outcome import UnknownLimit
from loadtest.overload import NotOverloaded
from loadtest.server_process import NotStarted
from loadtest.standing import NothingFlows
from loadtest.target import CannotLoad, check_room

CANNOT_MEASURE, TYPED_WRONGLY, NO_CHROMIUM, NO_SERVER, INTERRUPTED = 1, 2, 3, 4, 130

COULD_NOT = (
    NoCalls, NothingFlows, NotOverloaded, NoPicture, ChatBroke, Refused, aiohttp.ClientError, TimeoutError, OSError, ValueError
)  # fmt: skip


def arguments(given: list[str]) -> argparse.Namespace:
    return parser().parse_args(given)


def main(given: list[str] | None = None) -> int:
    asked = arguments(sys.argv[1:] if given is None else given)
    # aiortc and aiohttp tell of each closed connection; here only what ends the run matters.
    logging.basicConfig(level=logging.CRITICAL)
    console = Console(width=None if sys.stdout.isatty() else 110)
    errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    try:
        return asyncio.run(_bench(asked, console) if asked.command == "bench" else _measure(asked, console))
    except KeyboardInterrupt:
        errors.print("Stopped; nothing is left running and no figure was kept.")
        return INTERRUPTED
    except (UnknownLimit, CannotLoad, NoReport) as fault:
        errors.print(str(fault))
        return TYPED_WRONGLY
    except bench.NoChromium:
        errors.print(
            "Chromium is needed for `answering` and `glass`: apt-get install chromium, or measure something else."
        )
        return NO_CHROMIUM
    except NotStarted as fault:
        errors.print(str(fault)[:1].upper() + str(fault)[1:])
        return NO_SERVER
    except FileNotFoundError as fault:
        errors.print(f"{fault.filename} is missing: run make setup first.")
        return NO_SERVER
    except COULD_NOT as fault:
        errors.print(f"Could not measure: {fault or 'a server kept silent'}")
        return CANNOT_MEASURE


async def _bench(asked: argparse.Namespace, console: Console) -> int:
    if asked.calls is not None:
        check_room(asked.calls)
    if asked.json is not None and (fault := check_file(asked.json)):
        raise CannotLoad(fault)
    await bench.run(
        (asked.only,) if asked.only else bench.NAMES,
        quick=asked.quick,
        json_file=asked.json,
        console=console,
        calls=asked.calls,
    )
    return 0


async def _measure(asked: argparse.Namespace, console: Console) -> int:
    limits = limits_of(asked)
    if fault := check_files(asked):
        raise CannotLoad(fault)
    if asked.command == "report":
        return await command.report(asked, limits, console)
    return await command.carry_out(asked, limits, console)


if __name__ == "__main__":
    sys.exit(main())
