from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.words import Excerpt, excerpt, holds, query, terms

TEXT = "左脚的鞋跟断了, can you fix the Heel by Friday? Größe 38"


def finds(text: str, sought: str) -> bool:
    wanted = query(sought)
    if wanted is None:
        return False
    have = terms(text)
    is_candidate = set(wanted.whole) <= set(have) and all(any(t.startswith(p) for t in have) for p in wanted.prefixes)
    return is_candidate and holds(text, wanted)


@pytest.mark.parametrize(
    "sought", ["鞋", "鞋跟", "鞋跟断了", "脚的鞋跟断", "heel", "HEE", "friday 鞋", "ＨＥＥＬ", "grosse", "38", "by"]
)
def test_what_was_said_is_found(sought: str) -> None:
    assert finds(TEXT, sought)


@pytest.mark.parametrize("sought", ["跟鞋", "鞋断", "eel", "b", "3", "靴", "heels", "!?", "", "%", "_", "*"])
def test_what_was_not_said_is_not_found(sought: str) -> None:
    assert not finds(TEXT, sought)


def test_pairs_that_stand_apart_are_not_a_hit() -> None:
    assert not finds("鞋跟好, 跟断了", "鞋跟断")


@given(text=st.text(alphabet="鞋跟断了的abc ,。", min_size=1, max_size=30), data=st.data())
def test_every_chinese_substring_is_found(text: str, data: st.DataObject) -> None:
    runs = ["".join(c for c in part if c in "鞋跟断了的") for part in text.replace("。", " ").replace(",", " ").split()]
    whole = [part for part in text.split() if all(c in "鞋跟断了的" for c in part)]
    for part in whole or [run for run in runs if run and run in text]:
        start = data.draw(st.integers(0, len(part) - 1))
        assert finds(text, part[start:])


@given(text=st.text(max_size=60), sought=st.text(max_size=12))
def test_any_text_can_be_looked_for_in_any_text(text: str, sought: str) -> None:
    wanted = query(sought)
    if wanted is not None and holds(text, wanted):
        found = excerpt(text, wanted)
        assert found.before + found.match + found.after in text
    assert all(terms(text))


def test_an_excerpt_keeps_the_letters_that_were_written() -> None:
    wanted = query("grosse")
    assert wanted is not None
    assert excerpt(TEXT, wanted) == Excerpt(TEXT[: TEXT.index("Größe")][-40:], "Größe", " 38")
