"""One peer's side of ICE-lite (RFC 8445): credentials, the address in use, and what moves it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

# A socket address as the kernel gives it: (host, port) or (host, port, flow, scope). Opaque here, compared by value.
Address = tuple[Any, ...]
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

    __slots__ = ("_was_selected", "address", "addresses", "local", "previous", "remote")

    def __init__(self, remote: Credentials) -> None:
        self.local = Credentials.fresh()
        self.previous: Credentials | None = None
        self.remote = remote
        self.address: Address | None = None
        self.addresses: dict[Address, None] = {}
        self._was_selected = False

    def restart(self, remote: Credentials) -> bool:
        """Takes the peer's new credentials (RFC 8445 9). The old ones stay valid until a pair is selected with the new.

        False when they are not new: nothing changes, the answer repeats ours.
        """
        if remote == self.remote:
            return False
        # A second restart before the first one ended: the peer still lives on the last pair that was selected.
        if self._was_selected or self.previous is None:
            self.previous = self.local
        self.remote = remote
        self.local = Credentials.fresh()
        self._was_selected = False
        return True

    def password(self, ufrag: str) -> bytes | None:
        if ufrag == self.local.ufrag:
            return self.local.pwd.encode()
        if self.previous is not None and ufrag == self.previous.ufrag:
            return self.previous.pwd.encode()
        return None

    def checked(self, ufrag: str, address: Address, use_candidate: bool) -> bool:
        """An authentic check came in. True when it moved the address in use."""
        is_new = ufrag == self.local.ufrag
        selects = use_candidate or self.address is None
        if is_new and selects:
            self._was_selected = True
            self.previous = None
        if not selects or (not is_new and self._was_selected):
            return False
        return self.move(address)

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
