from __future__ import annotations

from rtc.ice import Credentials, IceLite

A, B, C = ("127.0.0.1", 1), ("127.0.0.1", 2), ("127.0.0.1", 3)


def peer() -> IceLite:
    return IceLite(Credentials("them", "x" * 22))


def check(ice: IceLite, ufrag: str, address: tuple[str, int], use_candidate: bool = False) -> bool:
    ice.learn(address)
    return ice.checked(ufrag, address, use_candidate)


def test_the_first_check_selects_and_a_nominated_one_moves() -> None:
    ice = peer()
    assert check(ice, ice.local.ufrag, A)
    assert not check(ice, ice.local.ufrag, B)
    assert ice.address == A
    assert check(ice, ice.local.ufrag, B, use_candidate=True)
    assert ice.address == B


def test_both_credentials_are_good_until_a_pair_of_the_new_ones_is_nominated() -> None:
    ice = peer()
    check(ice, ice.local.ufrag, A, use_candidate=True)
    old = ice.local
    assert ice.restart(Credentials("again", "y" * 22))
    new = ice.local
    assert new != old
    assert ice.password(old.ufrag) == old.pwd.encode()
    assert ice.password(new.ufrag) == new.pwd.encode()
    check(ice, new.ufrag, B)
    assert ice.address == A
    check(ice, new.ufrag, B, use_candidate=True)
    assert ice.address == B
    assert ice.password(old.ufrag) is None


def test_a_second_restart_keeps_the_credentials_that_carry_the_call() -> None:
    ice = peer()
    check(ice, ice.local.ufrag, A, use_candidate=True)
    living = ice.local
    ice.restart(Credentials("two", "y" * 22))
    ice.restart(Credentials("three", "z" * 22))
    assert ice.password(living.ufrag) is not None


def test_the_same_remote_credentials_are_no_restart() -> None:
    ice = peer()
    before = ice.local
    assert not ice.restart(Credentials("them", "x" * 22))
    assert ice.local == before


def test_addresses_are_forgotten_oldest_first_but_never_the_one_in_use() -> None:
    ice = peer()
    check(ice, ice.local.ufrag, A, use_candidate=True)
    gone = [ice.learn(("127.0.0.1", port)) for port in range(10, 40)]
    assert len(ice.addresses) == 16
    assert A in ice.addresses
    assert [address for address in gone if address][:1] == [("127.0.0.1", 10)]
