"""The command line: `loupe serve`, `loupe restored`. A fault in what was typed is one sentence and exit code 2."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from server.logs import set_up_logs
from server.settings import Settings
from server.starting import CannotStart, reason

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
errors = Console(stderr=True)


@app.callback()
def loupe() -> None:
    """Loupe: a shop looks at a customer's item together with the customer, live."""


@app.command()
def serve(
    demo: Annotated[bool, typer.Option(help="Make and open the demonstration shop.")] = False,
    demo_staff: Annotated[int, typer.Option(min=3, max=1000, help="How many people work in it (for a load test).")] = 3,
    host: Annotated[str | None, typer.Option(help="Address to listen on (see docs/operations.md).")] = None,
    port: Annotated[int | None, typer.Option(help="Plain HTTP port.")] = None,
    tls_port: Annotated[int | None, typer.Option(help="HTTPS port.")] = None,
    media_port: Annotated[int | None, typer.Option(help="The one UDP port for media.")] = None,
    media_advertise: Annotated[str | None, typer.Option(help="HOST:PORT put into the ICE candidates.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of everything kept.")] = None,
    workers: Annotated[
        str | None, typer.Option(help="Media worker processes; auto: one per core; 0: in this process.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON line when ready.")] = False,
) -> None:
    """Serves customers and staff until Ctrl-C."""
    given: dict[str, Any] = {
        "host": host,
        "port": port,
        "tls_port": tls_port,
        "media_port": media_port,
        "media_advertise": media_advertise,
        "data": data,
        "workers": workers,
    }
    settings = _settings(given)
    set_up_logs(settings.log_level)
    gc.disable()  # imports leave no garbage: looking for some, now or later, takes a quarter of a second
    from domain.errors import Refusal
    from server.run import serve as run  # the imports of a whole server: only when there is one to start

    gc.freeze()
    gc.enable()
    try:
        asyncio.run(run(settings, demo=demo, demo_staff=demo_staff, as_json=json))
    except (CannotStart, Refusal) as fault:
        errors.print(f"Loupe cannot start. {fault}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    except OSError as fault:
        errors.print(f"Loupe cannot go on ({reason(fault)}).", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


@app.command()
def restored(data: Annotated[Path | None, typer.Option(help="Folder of everything kept.")] = None) -> None:
    """Say this once after a backup was put back, before the server starts: devices then offer what the backup lacks."""
    settings = _settings({"data": data})
    set_up_logs(settings.log_level)
    from domain.errors import Refusal
    from server.restored import begin_anew

    try:
        asyncio.run(begin_anew(settings))
    except (CannotStart, Refusal) as fault:
        errors.print(f"Nothing was changed. {fault}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    print("Devices that come back will offer what this backup lacks. Start the server now.")


def _settings(given: dict[str, Any]) -> Settings:
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as fault:
        for entry in fault.errors():
            name = str(entry["loc"][0]) if entry["loc"] else "settings"
            errors.print(f"--{name.replace('_', '-')} (LOUPE_{name.upper()}): {entry['msg']}", highlight=False)
        raise typer.Exit(2) from None


def main() -> None:
    app()
