"""`python -m loadtest bench [--quick] [--only NAME] [--json FILE]`. Exit codes: 0 measured, 1 could not measure, 2 typed
wrongly, 3 no Chromium, 4 a server did not start, 130 Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from rich.console import Console

from loadtest import bench
from loadtest.answering import NoPicture
from loadtest.forwarding import NothingFlows
from loadtest.front_door import Refused
from loadtest.server_process import NotStarted

CANNOT_MEASURE, NO_CHROMIUM, NO_SERVER, INTERRUPTED = 1, 3, 4, 130


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtest", description="Measures Loupe from outside.")
    commands = parser.add_subparsers(dest="command", required=True)
    benches = commands.add_parser("bench", help="the figures of docs/performance.md")
    benches.add_argument("--quick", action="store_true", help="seconds instead of minutes; figures are not kept")
    benches.add_argument("--only", choices=bench.NAMES, help="one benchmark instead of all")
    benches.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    asked = arguments(sys.argv[1:] if given is None else given)
    # aiortc and aiohttp tell of each closed connection; here only what ends the run matters.
    logging.basicConfig(level=logging.CRITICAL)
    console, errors = Console(width=None if sys.stdout.isatty() else 110), Console(stderr=True)
    names = (asked.only,) if asked.only else bench.NAMES
    try:
        asyncio.run(bench.run(names, quick=asked.quick, json_file=asked.json, console=console))
    except KeyboardInterrupt:
        errors.print("Stopped; nothing is left running and no figure was kept.", highlight=False)
        return INTERRUPTED
    except bench.NoChromium:
        errors.print(
            "Chromium is needed for `answering`: apt-get install chromium, or measure with --only forwarding.",
            highlight=False,
        )
        return NO_CHROMIUM
    except NotStarted as fault:
        errors.print(f"A server did not start: {fault}", highlight=False, markup=False)
        return NO_SERVER
    except FileNotFoundError as fault:
        errors.print(f"{fault.filename} is missing: run make setup first.", highlight=False, markup=False)
        return NO_SERVER
    except (NothingFlows, NoPicture, Refused, TimeoutError, OSError, ValueError) as fault:
        errors.print(f"Could not measure: {fault or 'a server kept silent'}", highlight=False, markup=False)
        return CANNOT_MEASURE
    return 0


if __name__ == "__main__":
    sys.exit(main())
