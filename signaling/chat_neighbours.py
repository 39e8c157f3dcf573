"""The other servers of a house, whose pages follow the same conversations: what is said here reaches those, too.

Entries travel as hints only: each server reads them from the database. Words that are kept nowhere travel whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from domain.bus import Bus, Ears
from domain.errors import Unavailable
from domain.record import Side
from domain.stream import Entry, Head
from signaling.chat_hub import ChatHub

Kind = Literal["stream", "person", "drop", "here", "renamed"]


class Word(BaseModel):
    """`stream`: a frame for all who have `to` open, but not for `but`. `person`: for the pages of `to` on this side that do
    not have the stream `but` open. `drop`: the right of the person `to`, or of one device, has ended. `here`: the customer
    `to` has the conversation open at another server, or (`is_true` False) not at that one. `renamed`: the customer `to`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Kind
    to: str
    text: str = ""
    but: str = ""
    side: Side = "customer"
    device: str | None = None
    is_true: bool = True


class Neighbours:
    """Without a bus there are none, and all of this costs nothing. `dropped`, `came`, `renamed` and `returned` are set by
    who wants to hear of sign-outs, of customers at other servers, of new names, and that words may have been lost."""

    def __init__(self, bus: Bus | None, hub: ChatHub, counts: Counter[str]) -> None:
        self._bus = bus
        self._hub = hub
        self._counts = counts
        self.dropped: Callable[[str, str | None], None] = lambda _person, _device: None
        self.came: Callable[[str, bool], None] = lambda _customer, _is_here: None
        self.renamed: Callable[[str], None] = lambda _customer: None
        self.returned: Callable[[], None] = lambda: None

    def listen(self) -> None:
        if self._bus is not None:
            self._bus.listen(Ears(lambda streams: self._hub.hint(*streams), self._hear, lambda: self.returned()))

    @property
    def are_heard(self) -> bool:
        """False while words of other servers may be lost."""
        return self._bus is None or self._bus.is_connected

    # --- what is said here ---

    def told(self, entries: Sequence[Entry], inboxes: Sequence[Head]) -> None:
        """After a commit."""
        if self._bus is not None:
            self._bus.hint({entry.stream for entry in entries} | {head.stream for head in inboxes})

    def whisper(self, stream: str, text: str, *, but: str = "") -> None:
        """A frame to all who have the stream open anywhere, but not to the person `but`."""
        self._hub.whisper(stream, text, but=but)
        self._say(Word(kind="stream", to=stream, text=text, but=but))

    def say(self, side: Side, person_id: str, text: str, *, but: str = "") -> None:
        """A frame to every page of a person that does not have the stream `but` open."""
        self._say_here(side, person_id, text, but)
        self._say(Word(kind="person", to=person_id, side=side, text=text, but=but))

    def drop(self, person_id: str, device: str | None) -> None:
        self._say(Word(kind="drop", to=person_id, device=device))

    def rename(self, customer_id: str) -> None:
        self._say(Word(kind="renamed", to=customer_id))

    def here(self, customer_id: str, is_here: bool) -> None:
        if self._bus is not None:
            (self._bus.hold if is_here else self._bus.let_go)(f"here.{customer_id}")
        self._say(Word(kind="here", to=customer_id, is_true=is_here))

    async def with_others(self, customers: Sequence[str]) -> set[str] | None:
        """Those who have the conversation open at another server; None when that cannot be known now."""
        if self._bus is None:
            return set()
        try:
            held = await self._bus.held([f"here.{customer}" for customer in customers])
        except Unavailable:
            return None
        return {name.removeprefix("here.") for name in held}

    def figures(self) -> dict[str, float]:
        return {} if self._bus is None else {f"bus_{name}": value for name, value in self._bus.figures().items()}

    # --- what is heard ---

    def _say(self, word: Word) -> None:
        if self._bus is not None:
            self._bus.whisper(word.model_dump_json(exclude_defaults=True))

    def _hear(self, text: str) -> None:
        try:
            word = Word.model_validate_json(text)
        except ValidationError:  # a server of another version
            self._counts["neighbours_misunderstood"] += 1
            return
        match word.kind:
            case "stream":
                self._hub.whisper(word.to, word.text, but=word.but)
            case "person":
                self._say_here(word.side, word.to, word.text, word.but)
            case "drop":
                self.dropped(word.to, word.device)
            case "here":
                self.came(word.to, word.is_true)
            case "renamed":
                self.renamed(word.to)

    def _say_here(self, side: Side, person_id: str, text: str, but: str) -> None:
        for reader in self._hub.readers_of.get(person_id, ()):
            if reader.side == side and (not but or but not in reader.sent):
                reader.say(text)
