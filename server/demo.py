"""The demonstration shop: made once per data folder, with a sign-in that stays the same at each start."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from domain.errors import NotFound
from domain.people import Service, Shop, Staff
from domain.ports import PeopleStore
from server.starting import CannotStart
from signaling.auth import hash_password

SHOP = Shop(
    id="shop-demo",
    slug="demo",
    name="Lin & Daughter Leather",
    name_zh="林记皮具修理",
    services=(
        Service(name="Leather repair", name_zh="皮具修补", minutes=60, price=18_000),
        Service(name="Sole replacement", name_zh="更换鞋底", minutes=90, price=26_000),
        Service(name="Cleaning and conditioning", name_zh="清洁与保养", minutes=45, price=12_000),
        Service(name="Zip or buckle", name_zh="拉链或扣件", minutes=30, price=8_000),
    ),
)
PEOPLE = (("staff-lin", "lin", "Lin Mei"), ("staff-li", "li", "Li Wei"), ("staff-zhao", "zhao", "Zhao Min"))


@dataclass(frozen=True, slots=True)
class SignIn:
    username: str
    password: str
    usernames: tuple[str, ...] = ()


def staff_of_demo(count: int) -> list[tuple[str, str, str]]:
    """Id, username and name. Beyond the three with names: as many as a load test needs."""
    numbered = [(f"staff-{number}", f"staff{number}", f"Colleague {number}") for number in range(4, count + 1)]
    return [*PEOPLE[:count], *numbered]


async def make_demo(people: PeopleStore, data: Path, *, staff: int = len(PEOPLE)) -> SignIn:
    """The shop's sign-in; makes the shop and its people, `staff` of them at least, when this data folder lacks them.

    The password is written before the people are, so that a start that is cut off in between is mended by the next.
    """
    path = data / "demo.json"
    password = _kept_password(path)
    try:
        await people.shop(SHOP.id)
    except NotFound:
        await people.add_shop(SHOP)
    known = {person.id for person in await people.staff_of(SHOP.id)}
    if password is None and known:
        raise CannotStart(
            f"{path} is missing or damaged, and with it the demonstration's password. "
            "Put it back from a backup, or name an empty folder with --data."
        )
    password = password or _new_password(path)
    wanted = staff_of_demo(staff)
    missing = [person for person in wanted if person[0] not in known]
    # One hash for all: they share the password, and a thousand hashes would take a minute.
    hashed = await hash_password(password) if missing else ""
    for staff_id, username, name in missing:
        await people.add_staff(
            Staff(id=staff_id, shop_id=SHOP.id, username=username, name=name, role="manager", password_hash=hashed)
        )
    return SignIn(PEOPLE[0][1], password, tuple(username for _, username, _ in wanted))


def _kept_password(path: Path) -> str | None:
    """None: there is none, or it cannot be read."""
    try:
        kept = json.loads(path.read_text())["password"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return kept if isinstance(kept, str) and kept else None


def _new_password(path: Path) -> str:
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"  # no letters or digits that are mixed up when read aloud
    password = "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(3))
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump({"password": password}, file)
    fresh.replace(path)
    return password
