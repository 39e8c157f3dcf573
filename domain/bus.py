"""How servers that share a database tell each other what is new: hints, whispers and leases.

Nothing that goes over the bus is the truth. It may be lost, come twice or come late; whoever hears of a stream reads the
database, and whoever heard nothing finds out by comparing. So a bus that is away makes things slower and loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

LEASE_S = 15.0  # a server that died is believed to be there for so long at most


@dataclass(frozen=True, slots=True)
class Ears:
    """What is called on the event loop when another server says something. `returned`: this server, or another one, could
    not be heard for a while; what was said meanwhile is lost."""

    hinted: Callable[[Sequence[str]], None]
    whispered: Callable[[str], None]
    returned: Callable[[], None]


class Bus(Protocol):
    """One server's end of the bus. Only what other servers say is heard. `hint`, `whisper`, `hold` and `let_go` never wait
    and never raise: what cannot be said now is dropped, and leases are taken again when the bus is back."""

    @property
    def is_connected(self) -> bool: ...
    def listen(self, ears: Ears) -> None:
        """Once, before anything is heard."""

    def hint(self, streams: Iterable[str]) -> None:
        """Something was written in these streams, and is committed."""

    def whisper(self, text: str) -> None:
        """A word that is not kept, to all other servers."""

    def hold(self, name: str) -> None:
        """This server holds `name` until it lets go or dies; several may hold the same."""

    def let_go(self, name: str) -> None: ...
    async def held(self, names: Sequence[str]) -> set[str]:
        """Those of `names` that some other server holds. Raises Unavailable when the bus is away."""

    def figures(self) -> dict[str, float]:
        """Flat counters and gauges for operators."""
