"""Who may sign in as staff: argon2 hashes checked in a thread, tries limited per address and per username."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.errors import RateLimited, WrongPassword
from domain.people import Staff
from domain.ports import PeopleStore
from signaling.limits import Failures

AT_ONCE = 2  # one check takes 64 MB and about 50 ms of a core
IN_LINE = 32  # more than these would wait longer than a person does

# Nobody's password: checked for unknown usernames, so that they take as long as known ones.
_DECOY = "$argon2id$v=19$m=65536,t=3,p=4$2rvgSRqYHB3OHsOeYvG2Lg$5g3BzdWGdjRuB1T21HIW5lGs1nOOnAvjWsKdduo126o"
_hasher = PasswordHasher()  # RFC 9106, section 4, second recommended option


async def hash_password(password: str) -> str:
    """The encoded argon2id hash to keep in `Staff.password_hash`."""
    return await asyncio.to_thread(_hasher.hash, password)


class SignIn:
    """Checks usernames and passwords. One for the whole door: it remembers who failed."""

    def __init__(self, people: PeopleStore, now: Callable[[], datetime]) -> None:
        self._people = people
        self._now = now
        self._of_address = Failures()
        # a stranger can make a name wait, so the wait of a name stays short
        self._of_username = Failures(free=10, longest_s=60.0)
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def check(self, username: str, password: str, address: str) -> Staff:
        """The member of staff, or WrongPassword (also for unknown names, after the same work), or RateLimited."""
        name = username.strip().lower()
        for failures, key in ((self._of_address, address), (self._of_username, name)):
            failures.check(key, self._now())
        # counted as failed until it succeeds: tries that run side by side must not all count as the first
        self._of_address.failed(address, self._now())
        self._of_username.failed(name, self._now())
        staff = await self._people.staff_by_username(username.strip())
        right = await self._verify(staff.password_hash if staff else _DECOY, password)
        if staff is None or not right:
            raise WrongPassword("Username or password is wrong. Check both and try again.")
        self._of_address.succeeded(address)
        self._of_username.succeeded(name)
        return staff

    async def _verify(self, password_hash: str, password: str) -> bool:
        if self._waiting >= IN_LINE:
            raise RateLimited("Many people are signing in. Try again in a few seconds.", retry_after_s=5.0)
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(_matches, password_hash, password)
        finally:
            self._waiting -= 1


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
