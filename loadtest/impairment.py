"""What a bad network does to datagrams, as figures, and as the words `loss=5,delay=40,rate=800k` of a command line."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Self

_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)
_PREFIXES = {"k": 1e3, "M": 1e6}


@dataclass(frozen=True, slots=True)
class _Word:
    """One word of the command line: the field it fills, its limits in the word's own unit, and what that unit is."""

    field: str
    least: float
    most: float
    unit: str
    per_unit: float = 1.0
    needs: str = ""


_WORDS = {
    "loss": _Word("loss_share", 0, 100, "per cent", 100),
    "burst": _Word("burst_packets", 1, 1000, "packets", needs="loss"),
    "delay": _Word("delay_ms", 0, 10_000, "milliseconds"),
    "jitter": _Word("jitter_ms", 0, 10_000, "milliseconds"),
    "reorder": _Word("reorder_share", 0, 100, "per cent", 100),
    "duplicate": _Word("duplicate_share", 0, 100, "per cent", 100),
    "rate": _Word("rate_bps", 8e3, 1e9, "bit/s, with k or M, such as 800k"),
    "queue": _Word("queue_ms", 1, 10_000, "milliseconds", needs="rate"),
    "handover": _Word("handover_s", 1, 3600, "seconds"),
    "dark": _Word("dark_ms", 1, 60_000, "milliseconds", needs="handover"),
}


@dataclass(frozen=True, slots=True)
class Impairment:
    """Each person's network, the same both ways. All zero is a perfect one. Raises ValueError with a sentence.

    loss_share: of all datagrams, 0 to 1. burst_packets: mean length of a run of losses (Gilbert-Elliott: a bad state that
    loses everything, a good one that loses nothing); 0 loses each datagram by itself.
    delay_ms plus or minus up to jitter_ms, which alone changes no order. reorder_share: come late, behind their followers.
    duplicate_share: come twice. rate_bps: of the link, IP and UDP headers included; what would wait for it longer than
    queue_ms is dropped. handover_s: how often a person's address changes, each time with dark_ms of silence.
    """

    loss_share: float = 0.0
    burst_packets: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    reorder_share: float = 0.0
    duplicate_share: float = 0.0
    rate_bps: float = 0.0
    queue_ms: float = 200.0  # what phone networks hold back before they drop
    handover_s: float = 0.0
    dark_ms: float = 0.0

    def __post_init__(self) -> None:
        for word, about in _WORDS.items():
            value = getattr(self, about.field)
            if value:
                _check(word, about, value * about.per_unit)
        if self.burst_packets and self.loss_share > self.burst_packets / (1 + self.burst_packets):
            most = 100 * self.burst_packets / (1 + self.burst_packets)
            raise ValueError(
                f"burst={_plain(self.burst_packets)} allows a loss of at most {most:.0f} per cent: one in between must come"
            )
        if self.handover_s and self.dark_ms >= self.handover_s * 1000:
            raise ValueError("dark must be shorter than handover, or nothing ever comes through")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads comma-separated `word=number`. Raises ValueError saying what is wrong and what is allowed."""
        given: dict[str, float] = {}
        for part in text.split(","):
            word, equals, number = part.strip().partition("=")
            about = _WORDS.get(word)
            if about is None:
                raise ValueError(
                    f"{repr(word)[:44]} is no impairment; allowed are {', '.join(_WORDS)}, such as loss=5,delay=40"
                )
            if not equals:
                raise ValueError(f"{word} lacks its number, {_allowed(word, about)}")
            if word in given:
                raise ValueError(f"{word} is given twice")
            value = _number(number, has_prefix=word == "rate")
            if value is None:
                raise ValueError(f"{word} takes a number, not {repr(number)[:44]}; give {_allowed(word, about)}")
            _check(word, about, value)
            given[word] = value
        for word in given:
            needed = _WORDS[word].needs
            if needed and not given.get(needed):
                raise ValueError(f"{word} does nothing without {needed}; give both or neither")
        return cls(**{_WORDS[word].field: value / _WORDS[word].per_unit for word, value in given.items()})

    def __str__(self) -> str:
        """The words that `parse` reads; `nothing` for a perfect network."""
        plain = {field.name: field.default for field in fields(self)}
        words = [
            f"{word}={_shown(word, getattr(self, about.field) * about.per_unit)}"
            for word, about in _WORDS.items()
            if getattr(self, about.field) != plain[about.field]
        ]
        return ",".join(words) or "nothing"


def _number(text: str, *, has_prefix: bool) -> float | None:
    times = _PREFIXES.get(text[-1:], 1.0) if has_prefix else 1.0
    digits = text[:-1] if times != 1.0 else text
    return round(float(digits) * times, 6) if _NUMBER.fullmatch(digits) else None


def _check(word: str, about: _Word, value: float) -> None:
    if not about.least <= round(value, 6) <= about.most:  # also refuses what is not a number
        raise ValueError(f"{word}={_shown(word, value)} is out of range; give {_allowed(word, about)}")


def _allowed(word: str, about: _Word) -> str:
    return f"{_shown(word, about.least)} to {_shown(word, about.most)} {about.unit}"


def _shown(word: str, value: float) -> str:
    if word == "rate":
        for prefix, times in reversed(_PREFIXES.items()):
            if value >= times:
                return _plain(value / times) + prefix
    return _plain(value)


def _plain(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
