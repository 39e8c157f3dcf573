"""Finding what was said, in Chinese too, where words have no spaces: any substring of a Chinese text is found.

A text is kept as terms: each Chinese character, each pair of neighbours, and each word of other scripts. What has all terms
of a query may still have them in other places, so a hit is checked with `holds`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from operator import add

LONGEST = 64  # characters of a word that count
PREFIX_FROM = 3  # a shorter word must be whole: too many words begin with one letter
AROUND = 40  # characters of an excerpt before and after what was found
_WORD = re.compile(r"[^\W_]+")
_BARE = re.compile(r"[\x00-\x7f\u3000-\u3029\u4e00-\u9fff]*")  # nothing in it has a combining mark
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+")


@dataclass(frozen=True, slots=True)
class Query:
    """`whole` terms must be there, and a term that begins with each of `prefixes`; `parts` are what `holds` looks for."""

    whole: tuple[str, ...]
    prefixes: tuple[str, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Excerpt:
    before: str
    match: str
    after: str


def folded(text: str) -> str:
    """Without case, width and accents: what two texts that read alike have in common."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text).casefold()
    if _BARE.fullmatch(plain):  # most Chinese texts: the rest costs as much as indexing them
        return plain
    return unicodedata.normalize("NFC", "".join([c for c in plain if not unicodedata.combining(c)]))


def terms(text: str) -> list[str]:
    """Each once, in no order that means anything."""
    found: dict[str, None] = {}
    for run, is_unspaced in _runs(folded(text)):
        if is_unspaced:
            found.update(dict.fromkeys(run))
            found.update(dict.fromkeys(_pairs(run)))
        else:
            found[run[:LONGEST]] = None
    return list(found)


def query(text: str) -> Query | None:
    """None when nothing in it can be looked for (only signs)."""
    parts = tuple(part for part in folded(text).split() if _WORD.search(part))
    whole: dict[str, None] = {}
    prefixes: dict[str, None] = {}
    for run, is_unspaced in _runs(" ".join(parts)):
        if is_unspaced:
            whole.update(dict.fromkeys(_pairs(run) if len(run) > 1 else [run]))
        elif len(run) < PREFIX_FROM:
            whole[run] = None
        else:
            prefixes[run[:LONGEST]] = None
    return Query(tuple(whole), tuple(prefixes), parts) if whole or prefixes else None


def holds(text: str, wanted: Query) -> bool:
    """True when the text has each part of the query as it was written."""
    plain = folded(text)
    return all(part in plain for part in wanted.parts)


def excerpt(text: str, wanted: Query) -> Excerpt:
    """The place of the query, or else of its first part, with a little around it, in the text's own letters."""
    plain, places = _fold(text)
    whole = " ".join(wanted.parts)
    match = whole if whole in plain else wanted.parts[0]
    start = max(plain.find(match), 0)
    last = min(start + len(match), len(places)) - 1
    begin, end = (places[start], places[last] + 1) if places else (0, 0)
    return Excerpt(text[max(begin - AROUND, 0) : begin], text[begin:end], text[end : end + AROUND])


def _fold(text: str) -> tuple[str, list[int]]:
    """The folded text, and for each of its characters the place in `text` that it came from."""
    if text.isascii():
        return text.lower(), list(range(len(text)))
    out: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        plain = unicodedata.normalize("NFKD", character).casefold()
        plain = unicodedata.normalize("NFC", "".join(c for c in plain if not unicodedata.combining(c)))
        out.append(plain)
        places += [place] * len(plain)
    return "".join(out), places


def _runs(plain: str) -> list[tuple[str, bool]]:
    """Words, cut where a script without spaces begins or ends; True for those without."""
    found: list[tuple[str, bool]] = []
    for word in _WORD.findall(plain):
        at = 0
        for unspaced in _UNSPACED.finditer(word):
            if unspaced.start() > at:
                found.append((word[at : unspaced.start()], False))
            found.append((unspaced[0], True))
            at = unspaced.end()
        if at < len(word):
            found.append((word[at:], False))
    return found


def _pairs(run: str) -> list[str]:
    return list(map(add, run, run[1:]))
