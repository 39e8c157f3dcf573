"""What a start tells the person in front of the terminal, and, as one JSON line, a program."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass

import segno
from rich.console import Console
from rich.panel import Panel


@dataclass(frozen=True, slots=True)
class Doors:
    """Addresses of a running server. `customer_url` is what a phone opens (HTTPS on the network when there is one)."""

    customer_url: str
    local_customer_url: str
    staff_url: str
    network_staff_url: str
    username: str
    password: str
    usernames: tuple[str, ...]
    media_ports: tuple[int, ...]


def json_line(doors: Doors, worker_pids: list[int]) -> str:
    return json.dumps(
        {
            "customer_url": doors.local_customer_url,
            "staff_url": doors.staff_url,
            "phone_url": doors.customer_url,
            "username": doors.username,
            "password": doors.password,
            "usernames": list(doors.usernames),
            "media_ports": list(doors.media_ports),
            "worker_pids": worker_pids,
        }
    )


def show(doors: Doors, console: Console) -> None:
    """Prints the links, the QR code and the sign-in."""
    code = io.StringIO()
    segno.make(doors.customer_url, error="l").terminal(out=code, compact=True, border=2)
    lines = [
        f"[bold]Customers[/bold]   {doors.customer_url}",
        f"              on this machine: {doors.local_customer_url}",
        f"[bold]Staff[/bold]       {doors.staff_url}",
    ]
    if doors.network_staff_url != doors.staff_url:
        lines.append(f"              on a tablet: {doors.network_staff_url}")
    if doors.username:
        lines.append(f"[bold]Sign-in[/bold]     {doors.username}   password {doors.password}")
    lines.append(f"[bold]Media[/bold]       UDP {', '.join(map(str, doors.media_ports))}")
    console.print(Panel("\n".join(lines), title="Loupe is open", expand=False), soft_wrap=True)
    console.print("A customer's phone scans this (accept the certificate of this machine the first time):")
    console.print(code.getvalue(), highlight=False, soft_wrap=True)
    console.print("Ctrl-C closes it.")
