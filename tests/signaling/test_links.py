from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import LinkRefused
from signaling.links import customer_link, make_link, read_token
from tests.support.houses import COBBLER, NAILS, TestHouse

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@pytest.fixture
def test_house(tmp_path: Path) -> TestHouse:
    return TestHouse(tmp_path)


def token_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["t"][0]


def test_an_open_door_with_nothing_to_say_has_the_bare_link(test_house: TestHouse) -> None:
    assert customer_link(test_house.house, COBBLER) == "http://127.0.0.1:8080/s/cobbler"


def test_a_closed_door_always_has_a_signed_link(test_house: TestHouse) -> None:
    url = customer_link(test_house.house, NAILS)
    assert url.startswith("http://127.0.0.1:8080/s/nails?t=")
    assert read_token(test_house.house, NAILS, token_of(url)).name == ""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=words, matter=words)
def test_a_link_says_what_it_was_made_with_in_any_language(test_house: TestHouse, name: str, matter: str) -> None:
    link = make_link(test_house.house, COBBLER, name=name, matter=matter)
    read = read_token(test_house.house, COBBLER, token_of(link.url))
    assert (read.name, read.matter) == (name, matter)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_link_with_any_letter_changed_is_refused(test_house: TestHouse, data: st.DataObject) -> None:
    token = token_of(make_link(test_house.house, COBBLER, name="Ann", matter="heel").url)
    place = data.draw(st.integers(0, len(token) - 2))  # the last letter holds bits that base64 leaves unused
    letter = data.draw(st.characters().filter(lambda c: c != token[place]))
    with pytest.raises(LinkRefused) as refused:
        read_token(test_house.house, COBBLER, token[:place] + letter + token[place + 1 :])
    assert refused.value.code == "link_altered"


def test_a_link_with_half_a_character_in_it_is_refused(test_house: TestHouse) -> None:
    with pytest.raises(LinkRefused, match="damaged"):
        read_token(test_house.house, COBBLER, "\ud800" + token_of(make_link(test_house.house, COBBLER).url))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(token=st.text(max_size=200))
def test_any_text_is_refused_as_a_link(test_house: TestHouse, token: str) -> None:
    with pytest.raises(LinkRefused):
        read_token(test_house.house, COBBLER, token)


def test_a_link_lets_in_until_the_second_that_it_expires(test_house: TestHouse) -> None:
    token = token_of(make_link(test_house.house, COBBLER, days=1).url)
    test_house.clock.advance(24 * 3600 - 1)
    read_token(test_house.house, COBBLER, token)
    test_house.clock.advance(1)
    with pytest.raises(LinkRefused) as refused:
        read_token(test_house.house, COBBLER, token)
    assert refused.value.code == "link_expired"


def test_another_secret_makes_every_link_altered(test_house: TestHouse, tmp_path: Path) -> None:
    other = TestHouse(tmp_path, secret=b"another secret of at least 32 bytes")
    with pytest.raises(LinkRefused):
        read_token(test_house.house, COBBLER, token_of(make_link(other.house, COBBLER).url))
