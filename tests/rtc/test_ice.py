from __future__ import annotations

from rtc.ice import Credentials, IceLite

A, B = ("127.0.0.1", 1), ("127.0.0.1", 2)


def peer() -> IceLite:
    return IceLite(Credentials("them", "x" * 22))


def check(ice: IceLite, address: tuple[str, int], use_candidate: bool = False) -> bool:
    ice.learn(address)
    return ice.checked(address, use_candidate)


def test_the_first_check_selects_and_a_nominated_one_moves() -> None:
    ice = peer()
    assert check(ice, A)
    assert not check(ice, B)
    assert ice.address == A
    assert check(ice, B, use_candidate=True)
    assert ice.address == B


def test_a_restart_gives_new_credentials_and_the_earlier_ones_stay_good() -> None:
    ice = peer()
    old = ice.local
    assert ice.restart(Credentials("again", "y" * 22))
    assert ice.local != old
    assert ice.password(old.ufrag) == old.pwd.encode()
    assert ice.password(ice.local.ufrag) == ice.local.pwd.encode()
    assert ice.password("nobody") is None
    for number in range(10):
        ice.restart(Credentials(f"again {number}", "y" * 22))
    assert ice.password(old.ufrag) is None
    assert len(ice.ufrags) == 4


def test_the_same_remote_credentials_are_no_restart() -> None:
    ice = peer()
    before = ice.local
    assert not ice.restart(Credentials("them", "x" * 22))
    assert ice.local == before


def test_addresses_are_forgotten_oldest_first_but_never_the_one_in_use() -> None:
    ice = peer()
    check(ice, A, use_candidate=True)
    gone = [ice.learn(("127.0.0.1", port)) for port in range(10, 40)]
    assert len(ice.addresses) == 16
    assert A in ice.addresses
    assert [address for address in gone if address][:1] == [("127.0.0.1", 10)]
