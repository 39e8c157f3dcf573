"""The server under load: one of our own on free loopback ports with an empty data folder, or the one the tester names."""

from __future__ import annotations

import resource
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from loadtest.clip import Clip
from loadtest.front_door import Visitor
from loadtest.impairment import Impairment
from loadtest.lab import Lab
from loadtest.server_process import LoupeServer

Tell = Callable[[str], None]
LOOK_DEADLINE_S = 10.0
MOST_OWN_CALLS = 1000  # members of staff that a demonstration shop takes
_DESCRIPTORS_PER_CALL = 8  # of two people: UDP, WebSocket, HTTP, and what changes hands while one reconnects
_MB_PER_CALL = 6.0  # both people in this process, and their call in the server


class CannotLoad(RuntimeError):
    """The load cannot be sent as asked; a sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Where:
    """What was typed about the server. `url` empty: our own."""

    url: str = ""
    staff: tuple[str, ...] = ()
    password: str = ""
    shop: str = "demo"
    is_trusting: bool = False
    workers: str = "0"


@dataclass(slots=True)
class Target:
    """A server that is there. `pid` is None when it is not ours: its CPU is then taken from its own counters."""

    base: str
    shop: str
    staff: tuple[str, ...]
    password: str
    pid: int | None = None
    lab: Lab | None = None
    is_trusting: bool = False
    log: Path | None = None
    media_ports: list[int] = field(default_factory=list)

    @property
    def is_own(self) -> bool:
        return self.pid is not None

    def visitor(self, clip: Clip, *, has_channel: bool = True) -> Visitor:
        via = ("127.0.0.1", self.lab.port) if self.lab is not None else None
        return Visitor(self.base, clip, via=via, has_channel=has_channel, is_trusting=self.is_trusting)


def check_room(calls: int, option: str = "--calls") -> None:
    """Raises CannotLoad when this machine has no room for so many; else takes the descriptors that they need."""
    if calls < 1:
        raise CannotLoad(f"{option} must be at least 1.")
    needed = 200 + calls * _DESCRIPTORS_PER_CALL
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and needed > hard:
        most = max(0, (hard - 200) // _DESCRIPTORS_PER_CALL)
        raise CannotLoad(
            f"{option} {calls} needs {needed} open files, this machine allows {hard} (ulimit -Hn): "
            f"ask for {most} at most."
        )
    room_mb = _free_mb() * 0.8
    if calls * _MB_PER_CALL > room_mb:
        raise CannotLoad(
            f"{option} {calls} needs about {calls * _MB_PER_CALL:.0f} MB of memory, {room_mb:.0f} MB can be taken here: "
            f"ask for {int(room_mb / _MB_PER_CALL)} at most."
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _free_mb() -> float:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) / 1024
    return float("inf")


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "localhost" or host == "::1" or host.startswith("127.")


@asynccontextmanager
async def open_target(
    where: Where, calls: int, tell: Tell, *, impairment: Impairment | None = None, seed: int = 1, spare_staff: int = 0
) -> AsyncIterator[Target]:
    """Says where the load goes, then yields. `spare_staff`: more of them than calls. Raises CannotLoad before any load,
    NotStarted for a server of our own."""
    check_room(calls)
    async with AsyncExitStack() as stack:
        if where.url:
            target = await _named(where, calls)
        else:
            if calls + spare_staff > MOST_OWN_CALLS:
                raise CannotLoad(
                    f"--calls {calls}: the demonstration shop has {MOST_OWN_CALLS} members of staff at most."
                )
            folder = await stack.enter_async_context(_folder())
            options = ("--demo-staff", str(max(3, calls + spare_staff)), "--workers", where.workers)
            server = await stack.enter_async_context(LoupeServer(folder / "data", *options))
            assert server.process is not None
            facts = server.facts
            target = Target(
                server.base, "demo", tuple(facts["usernames"]), facts["password"], server.process.pid, log=server.log
            )
            target.media_ports = facts["media_ports"]
        if impairment is not None and str(impairment) != "nothing":
            if len(target.media_ports) != 1:
                raise CannotLoad(
                    "--impair works on a server that this command starts itself, with one media port: "
                    "leave --server away, and --workers at 0 or 1."
                )
            lab = Lab(target.media_ports[0], impairment, seed=seed)
            target.lab = await stack.enter_async_context(lab)
        kind = "a server of its own, on this machine" if target.is_own else "the server you named"
        tell(f"The load goes to {target.base} ({kind}); {calls} {'call' if calls == 1 else 'calls'} at once.")
        yield target


@asynccontextmanager
async def _folder() -> AsyncIterator[Path]:
    with tempfile.TemporaryDirectory(prefix="loupe-load-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


async def _named(where: Where, calls: int) -> Target:
    base = address_of(where.url)
    await look_for_loupe(base, is_trusting=where.is_trusting)
    if not where.staff or not where.password:
        raise CannotLoad(
            f"--server {base}: customers are answered by staff; name their sign-ins with --staff-user NAME "
            "(once for each call at once) and --password."
        )
    if calls > len(where.staff):
        raise CannotLoad(
            f"--calls {calls} needs {calls} members of staff at {base}, and {len(where.staff)} "
            f"{'was' if len(where.staff) == 1 else 'were'} named with --staff-user: ask for {len(where.staff)} calls at most."
        )
    return Target(base, where.shop, where.staff[:calls], where.password, is_trusting=where.is_trusting)


def address_of(url: str) -> str:
    """Scheme, host and port. Raises CannotLoad."""
    base = url.rstrip("/")
    try:
        parts = urlsplit(base)
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.path and not parts.query
        _ = parts.port
    except ValueError:
        is_right = False
    if not is_right:
        raise CannotLoad(f"--server {url}: write an address such as http://127.0.0.1:8080, without a path.")
    return base


async def look_for_loupe(base: str, *, is_trusting: bool = False) -> None:
    """Raises CannotLoad with what is there instead."""
    timeout = aiohttp.ClientTimeout(total=LOOK_DEADLINE_S)
    connector = aiohttp.TCPConnector(ssl=not is_trusting)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector) as http,
            http.get(f"{base}/api/health") as answer,
        ):
            said = await answer.json(content_type=None) if answer.status == 200 else None
            is_loupe = answer.headers.get("Server") == "Loupe" and isinstance(said, dict) and said.get("ok") is True
    except TimeoutError:
        raise CannotLoad(f"{base} did not answer within {LOOK_DEADLINE_S:.0f} s. Is the address right?") from None
    except (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError):
        raise CannotLoad(
            f"The certificate of {base} is not one this machine trusts. If that server is yours, add --own-certificate."
        ) from None
    except (aiohttp.ClientConnectionError, OSError) as fault:
        reason = getattr(fault, "os_error", fault)
        raise CannotLoad(
            f"Nothing answers at {base} ({reason}). Is the server running, is the address right?"
        ) from None
    except (aiohttp.ClientError, ValueError, UnicodeError):
        is_loupe = False
    if not is_loupe:
        raise CannotLoad(f"What answers at {base} is not a Loupe. Give the address that staff open, without its path.")
