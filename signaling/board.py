"""The drawing on the customer's picture, in memory for as long as the call lives."""

from __future__ import annotations

from typing import Any

from domain.errors import Conflict
from signaling.news import BoardView
from signaling.protocol import Stroke

MAX_STROKES = 200
MAX_POINTS = 8000  # about 100 kB of JSON in a snapshot of the call
DECIMALS = 4  # a ten-thousandth of the picture's width is finer than its pixels


class Board:
    """`picture_id` is set while frozen; `kept_as` names the kept picture whose drawing follows this board."""

    def __init__(self) -> None:
        self.picture_id: str | None = None
        self.kept_as: str | None = None
        self._strokes: dict[str, Stroke] = {}

    @property
    def is_frozen(self) -> bool:
        return self.picture_id is not None

    def freeze(self, picture_id: str) -> None:
        self.picture_id = picture_id
        self.kept_as = None

    def thaw(self) -> None:
        """The drawing belonged to the frozen picture and goes with it."""
        self.picture_id = None
        self.kept_as = None
        self._strokes.clear()

    def draw(self, stroke: Stroke) -> Stroke:
        """Adds the stroke, or replaces the one with its id; returns it as it is told to others.

        Raises Conflict when the board is full."""
        points = [(round(x, DECIMALS), round(y, DECIMALS)) for x, y in stroke.points]
        rest = sum(len(s.points) for i, s in self._strokes.items() if i != stroke.id)
        is_new = stroke.id not in self._strokes
        if rest + len(points) > MAX_POINTS or (is_new and len(self._strokes) >= MAX_STROKES):
            raise Conflict("The drawing is full. Undo or clear something first.")
        stroke = stroke.model_copy(update={"points": points})
        self._strokes[stroke.id] = stroke
        return stroke

    def undo(self) -> None:
        if self._strokes:
            self._strokes.popitem()

    def clear(self) -> None:
        self._strokes.clear()

    def strokes(self) -> tuple[dict[str, Any], ...]:
        """As a kept picture holds them."""
        return tuple(s.model_dump(mode="json") for s in self._strokes.values())

    def view(self) -> BoardView:
        url = None if self.picture_id is None else picture_url(self.picture_id)
        return BoardView(frozen=self.is_frozen, picture_url=url, strokes=list(self._strokes.values()))


def picture_url(picture_id: str) -> str:
    return f"/api/pictures/{picture_id}.jpg"
