from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from domain.errors import RateLimited, WrongPassword
from signaling.auth import SignIn, hash_password
from tests.support.houses import MEI, PASSWORD, TestHouse


@pytest.fixture
def test_house(tmp_path: Path) -> TestHouse:
    return TestHouse(tmp_path)


async def test_a_hash_made_here_is_argon2id_and_signs_in(test_house: TestHouse) -> None:
    hashed = await hash_password("正确的密码")
    assert hashed.startswith("$argon2id$")
    test_house.people.staff_by_id[MEI.id] = MEI.model_copy(update={"password_hash": hashed})
    sign_in = SignIn(test_house.people, test_house.clock)
    assert (await sign_in.check("mei", "正确的密码", "10.0.0.1")).id == MEI.id
    with pytest.raises(WrongPassword):
        await sign_in.check("mei", PASSWORD, "10.0.0.1")


async def test_a_broken_hash_in_the_store_is_a_wrong_password_and_no_fault(test_house: TestHouse) -> None:
    test_house.people.staff_by_id[MEI.id] = MEI.model_copy(update={"password_hash": "not a hash"})
    with pytest.raises(WrongPassword):
        await SignIn(test_house.people, test_house.clock).check("mei", PASSWORD, "10.0.0.1")


async def test_tries_at_once_from_one_address_do_not_slip_past_the_limit(test_house: TestHouse) -> None:
    sign_in = SignIn(test_house.people, test_house.clock)
    tries = [sign_in.check("mei", f"guess {n}", "10.0.0.1") for n in range(30)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(answer, WrongPassword) for answer in answers) == 5
    assert sum(isinstance(answer, RateLimited) for answer in answers) == 25


async def test_guesses_at_one_name_from_many_addresses_are_slowed_for_a_minute_at_most(test_house: TestHouse) -> None:
    sign_in = SignIn(test_house.people, test_house.clock)
    wrong = limited = 0
    longest_s = 0.0
    for n in range(40):
        try:
            await sign_in.check("Mei ", "guess", f"10.0.0.{n}")
        except WrongPassword:
            wrong += 1
        except RateLimited as refused:
            limited += 1
            longest_s = max(longest_s, refused.retry_after_s)
            test_house.clock.advance(refused.retry_after_s)
    assert wrong > 10
    assert limited > 10
    assert longest_s == 60.0
    test_house.clock.advance(60)
    assert (await sign_in.check("mei", PASSWORD, "10.9.9.9")).id == MEI.id


async def test_more_sign_ins_at_once_than_fit_in_line_are_asked_to_come_back(test_house: TestHouse) -> None:
    sign_in = SignIn(test_house.people, test_house.clock)
    answers = await asyncio.gather(
        *(sign_in.check(f"name-{n}", "guess", f"10.0.{n}.1") for n in range(40)), return_exceptions=True
    )
    assert sum(isinstance(answer, RateLimited) for answer in answers) == 8
