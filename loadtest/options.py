"""What can be typed behind `python -m loadtest`, and what of it cannot be done."""

from __future__ import annotations

import argparse
from pathlib import Path

from loadtest import bench
from loadtest.impairment import Impairment
from loadtest.outcome import Limit, latency_names, read_limit
from loadtest.target import Where

_SERVER = ("server.us_per_packet", "server.calls_per_core", "server.cpu_cores", "server.rss_mb")
_CALLS = (
    "transit_ms.p99", *latency_names("connect_ms", "first_packet_ms", "first_frame_ms", "transit_ms", "chat_ms", "channel_ms"),
    "calls", "calls_failed", "loss_share", "freezes", "frozen_s", *_SERVER, "server.rss_mb_per_call",
    "recording.frames_sent", "recording.frames_received", "recording.frames_recorded", "recording.lost_share",
    "recording.av_sync_ms",
)  # fmt: skip
_MESSAGES = tuple(
    f"messages.{name}"
    for name in ("delivered", "lost", "duplicated", "reordered", "altered", "unacknowledged", "resent")
)
_MESSAGES_OF_CONVERSATIONS = tuple(
    f"messages.{name}" for name in ("acknowledged_per_second", "lost", "duplicated", "reordered", "unacknowledged")
)
# The names that `--limit` takes, by command; the first one stands in the example.
LIMITS: dict[str, tuple[str, ...]] = {
    "calls": tuple(dict.fromkeys(_CALLS)),
    "soak": (
        "leaks.rss_mb.growth", "leaks.descriptors.growth", "leaks.threads.growth", "leaks.tasks.growth", "calls", "calls_failed",
        *latency_names("connect_ms", "first_frame_ms", "transit_ms", "recovery_ms"),
    ),
    "chat": (*latency_names("chat_ms", "delivery_ms"), *_MESSAGES),
    "messages": (
        *latency_names("ack_ms", "delivery_ms", "inbox_ms"), *_MESSAGES_OF_CONVERSATIONS, "idle.open", "idle.rss_gb", "inbox.missing",
        "server.us_per_message",
    ),
    "glass": (
        *latency_names("glass.loupe_ms", "glass.direct_ms", "first_frame_ms", "first_picture_phone_ms"),
        "glass.above_direct_ms.p50", "glass.above_direct_ms.p95", "glass.unreadable_frames",
    ),
    "peers": ("ratios.recording_costs", "ratios.calls_per_core_to_janus", "ratios.calls_per_core_to_aiortc"),
    "overload": (
        "overload.half_load.transit_ms.p50", "overload.half_load.transit_ms.p99", "overload.calls_per_core_at_limit",
        "overload.twice_the_load.sound_share", "overload.twice_the_load.least_sound_share", "overload.comers.refused",
        "overload.comers.let_in", "overload.comers.without_answer", "overload.recovered_s", "overload.new_call_s", "overload.faults",
    ),
    "report": ("worse",),
}  # fmt: skip
WITH_SERVER = ("calls", "chat", "soak")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m loadtest", description="Measures Loupe from outside.")
    commands = top.add_subparsers(dest="command", required=True)
    benches = commands.add_parser("bench", help="the figures of docs/performance.md")
    benches.add_argument("--quick", action="store_true", help="seconds instead of minutes; figures are not kept")
    benches.add_argument("--only", choices=bench.NAMES, help="one benchmark instead of all")
    benches.add_argument(
        "--calls", type=int, metavar="N", help="at once, for peers (default 10) and overload (default 20)"
    )
    benches.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")

    calls = commands.add_parser("calls", help="many calls at once")
    calls.add_argument("--calls", type=int, default=3, metavar="N", help="at once (default 3)")
    _add_seconds(calls, 20)
    calls.add_argument("--ramp", type=_positive, metavar="R", help="seconds within which they begin (default N / 10)")
    record = calls.add_argument("--record", action=argparse.BooleanOptionalAction, default=True)
    record.help = "whether customers agree to being recorded"
    _add_impairment(calls)

    soak = commands.add_parser(
        "soak", help="calls that come, change networks, reconnect and go; does anything stay behind?"
    )
    soak.add_argument("--minutes", type=_positive, default=5.0, metavar="M", help="how long (default 5)")
    soak.add_argument("--calls", type=int, default=3, metavar="N", help="at once (default 3)")

    chat = commands.add_parser("chat", help="messages: how fast, and whether each arrives exactly once")
    chat.add_argument("--customers", type=int, default=3, metavar="N", help="each in a call (default 3)")
    chat.add_argument("--rate", type=_positive, default=2.0, metavar="R", help="messages a second from each person")
    _add_seconds(chat, 20)
    chat.add_argument("--faults", action="store_true", help="cut sockets, kill the server, lose answers meanwhile")

    messages = commands.add_parser(
        "messages", help="conversations: messages a second, open pages, a whole shop's inbox"
    )
    messages.add_argument("--devices", type=int, default=200, metavar="N", help="that write (default 200)")
    messages.add_argument(
        "--rate", type=_positive, default=5.0, metavar="R", help="messages a second of each (default 5)"
    )
    _add_seconds(messages, 20)
    messages.add_argument("--listen", action=argparse.BooleanOptionalAction, default=True)
    messages.add_argument("--idle", type=int, default=0, metavar="N", help="instead: pages that are only open")
    messages.add_argument(
        "--inbox", type=int, default=0, metavar="N", help="instead: staff pages that all see a message"
    )
    messages.add_argument("--faults", action="store_true", help="one for each thousand messages, the server killed")
    messages.add_argument(
        "--messages", type=int, default=0, metavar="N", help="so many, instead of --seconds; with --inbox 20"
    )

    glass = commands.add_parser("glass", help="two real browsers: glass to glass, beside a direct connection")
    glass.add_argument("--calls", type=int, metavar="N", help="each way, in turns (default: by the seconds)")
    _add_seconds(glass, 30)
    _add_impairment(glass)

    peers = commands.add_parser("peers", help="the same load on Loupe, Janus and stock aiortc")
    peers.add_argument("--calls", type=int, default=3, metavar="N", help="at once (default 3)")
    _add_seconds(peers, 30)

    overload = commands.add_parser("overload", help="twice the load that a server can carry, and what comes after it")
    overload.add_argument("--calls", type=int, default=10, metavar="N", help="at once (default 10)")
    _add_seconds(overload, 4, "how long each step of the search takes")

    report = commands.add_parser("report", help="two runs compared: what got worse")
    report.add_argument("before", type=Path, metavar="A.json")
    report.add_argument("after", type=Path, metavar="B.json")

    for name in LIMITS:
        _add_common(commands.choices[name], name)
    return top


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e7:
        raise argparse.ArgumentTypeError(f"{text} must be more than 0")
    return value


def _add_seconds(command: argparse.ArgumentParser, default: float, about: str = "how long") -> None:
    command.add_argument("--seconds", type=_positive, default=default, metavar="S", help=f"{about} (default {default})")


def _add_impairment(command: argparse.ArgumentParser) -> None:
    about = "everybody's network, such as loss=5,delay=40,jitter=10,rate=800k,handover=15"
    command.add_argument("--impair", type=_impairment, metavar="WORDS", help=about)


def _impairment(text: str) -> Impairment:
    try:
        return Impairment.parse(text)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from None


def _add_common(command: argparse.ArgumentParser, name: str) -> None:
    if name in WITH_SERVER:
        server = command.add_argument_group("a server other than an own, empty one")
        server.add_argument("--server", default="", metavar="URL", help="such as http://127.0.0.1:8080")
        server.add_argument(
            "--staff-user", action="append", default=[], metavar="NAME", help="once for each call at once"
        )
        server.add_argument("--password", default="", help="of all of them")
        server.add_argument("--shop", default="demo", metavar="SLUG", help="as in /s/SLUG (default demo)")
        server.add_argument("--own-certificate", action="store_true", help="do not check the server's certificate")
    elif name != "report":
        command.add_argument("--server", default="", help=argparse.SUPPRESS)
    if name in ("calls", "soak"):
        command.add_argument("--workers", default="0", metavar="N", help="media workers of the own server")
    if name != "report":
        command.add_argument("--seed", type=int, default=1, help="of everything random (default 1)")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the figures for a program")
    command.add_argument("--html", type=Path, metavar="FILE", help="write the report as one page")
    command.add_argument(
        "--limit", action="append", default=[], metavar="NAME=VALUE",
        help=f"end with 1 when it is passed; may be repeated; such as {LIMITS[name][0]}=5",
    )  # fmt: skip


def limits_of(asked: argparse.Namespace) -> list[Limit]:
    """Raises UnknownLimit."""
    return [read_limit(text, LIMITS[asked.command]) for text in asked.limit]


def check_files(asked: argparse.Namespace) -> str:
    """A sentence when a report could not be written at the end, else nothing."""
    return next((fault for path in (asked.json, asked.html) if path is not None and (fault := check_file(path))), "")


def check_file(path: Path) -> str:
    if path.is_dir() or not path.resolve().parent.is_dir():
        return f"{path} cannot be written: {'it is a folder' if path.is_dir() else 'its folder is not there'}."
    return ""


def where_of(asked: argparse.Namespace) -> Where:
    return Where(
        asked.server,
        tuple(asked.staff_user),
        asked.password,
        asked.shop,
        asked.own_certificate,
        getattr(asked, "workers", "0"),
    )
