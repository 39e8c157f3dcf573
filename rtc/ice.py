"""One peer's side of ICE-lite (RFC 8445): credentials, the address in use, and what moves it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

# A socket address as the kernel gives it: (host, port) or (host, port, flow, scope). Opaque here, compared by value.
Address = tuple[Any, ...]
_MAX_EARLIER = 3  # restarts that may follow each other before the first has settled
_MAX_ADDRESSES = 16  # a phone has Wi-Fi and mobile, v4 and v6, and a NAT that rebinds now and then


@dataclass(frozen=True, slots=True)
class Credentials:
    ufrag: str
    pwd: str

    @staticmethod
    def fresh() -> Credentials:
        """48 and 144 random bits: more than RFC 8445 5.3 asks for (24 and 128)."""
        return Credentials(secrets.token_hex(6), secrets.token_hex(18))


class IceLite:
    """We never send checks; we answer them, and follow the address that the peer nominates or speaks from."""

    __slots__ = ("address", "addresses", "earlier", "local", "remote")

    def __init__(self, remote: Credentials) -> None:
        self.local = Credentials.fresh()
        self.earlier: list[Credentials] = []
        self.remote = remote
        self.address: Address | None = None
        self.addresses: dict[Address, None] = {}

    def restart(self, remote: Credentials) -> bool:
        """Takes the peer's new credentials (RFC 8445 9). False when they are not new: the answer repeats ours.

        Our earlier ones stay good: our address does not change in a restart, so Chromium may pair its new ports with
        it before it reads the answer, nominate such a pair, and check it with the earlier name for the rest of the call.
        """
        if remote == self.remote:
            return False
        self.earlier = [self.local, *self.earlier][:_MAX_EARLIER]
        self.remote = remote
        self.local = Credentials.fresh()
        return True

    @property
    def ufrags(self) -> set[str]:
        """Every name of ours that a check may carry."""
        return {self.local.ufrag, *(credentials.ufrag for credentials in self.earlier)}

    def password(self, ufrag: str) -> bytes | None:
        for credentials in (self.local, *self.earlier):
            if ufrag == credentials.ufrag:
                return credentials.pwd.encode()
        return None

    def checked(self, address: Address, use_candidate: bool) -> bool:
        """An authentic check came in: the first one, and each that nominates, selects its address. True when it moved."""
        return (use_candidate or self.address is None) and self.move(address)

    def learn(self, address: Address) -> Address | None:
        """Remembers that this peer speaks from `address`; returns the oldest one when there are too many."""
        self.addresses.pop(address, None)
        self.addresses[address] = None
        if len(self.addresses) <= _MAX_ADDRESSES:
            return None
        oldest = next(a for a in self.addresses if a != self.address)
        del self.addresses[oldest]
        return oldest

    def move(self, address: Address) -> bool:
        if address == self.address:
            return False
        self.address = address
        return True
