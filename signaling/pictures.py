"""Pictures that are shown but not (yet) kept: frozen ones, and those that wait for the customer's word. Memory only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from signaling.node import Shot

MAX_PER_CALL = 8
MAX_IN_ALL = 256  # at some 400 kB each about 100 MB


@dataclass(frozen=True, slots=True)
class PendingPicture:
    """`cmid` and `strokes` are those of the `picture.take` that asked; a frozen picture has none."""

    id: str
    call_id: str
    shot: Shot = field(repr=False)
    taken_by: str
    taken_at: datetime
    cmid: str = ""
    strokes: tuple[dict[str, Any], ...] = ()
    frozen_as: str | None = None  # the frozen picture that this one keeps


class PendingPictures:
    """The oldest of a call gives way to its ninth, the oldest of all to the one over the limit."""

    def __init__(self) -> None:
        self._pictures: dict[str, PendingPicture] = {}

    def add(self, picture: PendingPicture) -> None:
        of_call = [i for i, p in self._pictures.items() if p.call_id == picture.call_id]
        if len(of_call) >= MAX_PER_CALL:
            self.drop(of_call[0])
        if len(self._pictures) >= MAX_IN_ALL:
            self.drop(next(iter(self._pictures)))
        self._pictures[picture.id] = picture

    def get(self, picture_id: str) -> PendingPicture | None:
        return self._pictures.get(picture_id)

    def drop(self, picture_id: str) -> None:
        self._pictures.pop(picture_id, None)

    def drop_call(self, call_id: str) -> None:
        for picture_id in [i for i, p in self._pictures.items() if p.call_id == call_id]:
            self.drop(picture_id)

    def __len__(self) -> int:
        return len(self._pictures)
