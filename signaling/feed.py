"""The durable events of one session: told on one carrier, and on the other when the first stays unconfirmed.

A channel or a socket can be dead for seconds before anybody knows. The session's `seen` is the only proof that a text
arrived, so what it has not covered a second later goes out again on the other way; the browser ignores what it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from signaling.carriers import Carrier, CarrierName

CONFIRM_WITHIN_S = 1.0
MAX_UNCONFIRMED = 500  # older ones are fetched with `sync`, or come with the next `welcome`
OTHER: dict[CarrierName, CarrierName] = {"channel": "socket", "socket": "channel"}


@dataclass(slots=True)
class _Told:
    text: str
    on: CarrierName | None  # None: no carrier was there
    at: float


class Feed:
    """`carrier` answers with the open carrier of that name, or None. One timer for the whole session."""

    def __init__(self, carrier: Callable[[CarrierName], Carrier | None]) -> None:
        self._carrier = carrier
        self._unconfirmed: dict[int, _Told] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.resent = 0

    def tell(self, position: int, text: str) -> None:
        """On the data channel when it is open, else on the socket, else kept for whichever comes first."""
        told = _Told(text, None, asyncio.get_running_loop().time())
        for name in ("channel", "socket"):
            if self._send(name, text):
                told.on = name
                break
        if len(self._unconfirmed) >= MAX_UNCONFIRMED:
            self._unconfirmed.pop(next(iter(self._unconfirmed)))
        self._unconfirmed[position] = told
        self._arm()

    def confirmed(self, position: int) -> None:
        for known in [p for p in self._unconfirmed if p <= position]:
            del self._unconfirmed[known]

    def carrier_lost(self, name: CarrierName) -> None:
        """What went out on `name` without an answer goes out on the other carrier at once."""
        self._repeat([p for p, told in self._unconfirmed.items() if told.on == name])

    def carrier_opened(self, name: CarrierName) -> None:
        """Sends what found no carrier when it came."""
        for told in self._unconfirmed.values():
            if told.on is None and self._send(name, told.text):
                told.on, told.at = name, asyncio.get_running_loop().time()
        self._arm()

    def close(self) -> None:
        self._unconfirmed.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _send(self, name: CarrierName, text: str) -> bool:
        carrier = self._carrier(name)
        return carrier is not None and carrier.send(text)

    def _repeat(self, positions: list[int]) -> None:
        now = asyncio.get_running_loop().time()
        for position in positions:
            told = self._unconfirmed[position]
            other: CarrierName = "socket" if told.on is None else OTHER[told.on]
            if self._send(other, told.text):
                self.resent += 1
                del self._unconfirmed[position]
            else:
                told.at = now

    def _arm(self) -> None:
        if self._timer is None and self._unconfirmed:
            loop = asyncio.get_running_loop()
            due = min(told.at for told in self._unconfirmed.values()) + CONFIRM_WITHIN_S
            self._timer = loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        latest = asyncio.get_running_loop().time() - CONFIRM_WITHIN_S + 0.001
        self._repeat([p for p, told in self._unconfirmed.items() if told.at <= latest])
        self._arm()
