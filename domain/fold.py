"""What a device holds of a stream after it was told entries: the replay law's one function.

For whatever happens, the state before, folded with the entries that it made, is the state that the server answers
afterwards. `web/src/conversation/fold.ts` is the same function; `tests/golden/conversation/` holds both to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from domain.stream import Entry, Mark, next_digest

NAMELESS = "-"  # what an erased customer is called


class StreamState(BaseModel):
    """`head` and `digest` are those of the last entry that was applied; `entries` are all those above `floor`."""

    model_config = ConfigDict(frozen=True)
    stream: str
    floor: int = 0
    head: int = 0
    digest: int = 0
    entries: tuple[Entry, ...] = ()


def fold(state: StreamState, entries: Iterable[Entry]) -> StreamState:
    """Applies what comes next, ignores what is there already, and stops before a gap: who sees that the answer's head
    is not the last entry's position fetches from the head on. Entries must come in the order of their positions."""
    held = list(state.entries)
    head, digest = state.head, state.digest
    for entry in entries:
        if entry.position <= head:
            continue
        if entry.position != head + 1:
            break
        if entry.kind == "recall":
            held = [recalled(e) if e.id == entry.body.get("target") and e.author == entry.author else e for e in held]
        elif entry.kind == "erased":
            held = [erased(e) for e in held]
        held.append(entry)
        head, digest = entry.position, next_digest(digest, entry.id)
    return state.model_copy(update={"entries": tuple(held), "head": head, "digest": digest})


def newest(state: StreamState, count: int) -> StreamState:
    """The same state with its last `count` entries only."""
    entries = state.entries[max(len(state.entries) - count, 0) :]
    return state.model_copy(update={"entries": entries, "floor": state.head - len(entries)})


def recalled(entry: Entry) -> Entry:
    return entry.model_copy(update={"body": {}, "gone": "recalled"})


def erased(entry: Entry) -> Entry:
    name = NAMELESS if entry.side == "customer" else entry.author_name
    return entry.model_copy(update={"body": {}, "gone": "erased", "author_name": name})


def fold_marks(marks: Sequence[Mark], told: Iterable[Mark]) -> tuple[Mark, ...]:
    """Marks only grow: of each person the larger one stands, in the order in which the people were first told of."""
    merged = {mark.person_id: mark for mark in marks}
    for mark in told:
        old = merged.get(mark.person_id, mark)
        merged[mark.person_id] = mark.model_copy(
            update={"delivered": max(old.delivered, mark.delivered), "read": max(old.read, mark.read)}
        )
    return tuple(merged.values())
