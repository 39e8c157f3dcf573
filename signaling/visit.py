"""The side of one call that lives in memory: the last kept value, who is called what, the board, the plan."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from domain.call import Call
from signaling.board import Board
from signaling.node import Plan

MAX_REMEMBERED_TAKES = 64


class Visit:
    """`turn` orders writing and telling of this call and is held over the store only, never over the media node;
    `plan_turn` orders what the node is told. `applied` is the plan that the node confirmed, None when unknown."""

    def __init__(self, call: Call, taken_up_at: datetime | None = None) -> None:
        self.call = call
        self.foreseen: Call | None = None  # what the call will be once that is kept
        self.taken_up_at = taken_up_at  # set when a start found this call in the store: its people may still come back
        self.turn = asyncio.Lock()
        self.plan_turn = asyncio.Lock()
        self.applied: Plan | None = None
        self.head = 0
        self.consents: dict[str, int] = {}  # cmid of each word of the customer on recording -> its position
        self.names: dict[str, str] = {}
        self.board = Board()
        self.handovers: dict[str, str] = {}  # invited colleague -> who wants to leave for them
        self.asked: set[str] = set()  # colleagues whose page shows an invitation to this call
        self.takes: dict[tuple[str, str], dict[str, Any]] = {}  # (person, cmid) of a picture.take -> its answer
        self.is_planned = False  # the node has heard of this call
        self.is_taped = False
        self.is_recording_failing = False  # the media node cannot write it
        self.is_closed = False
        self.closed_at: datetime | None = None
        self.strokes_task: asyncio.Task[None] | None = None

    @property
    def id(self) -> str:
        return self.call.id

    @property
    def shop_id(self) -> str:
        return self.call.shop_id

    def includes(self, person_id: str) -> bool:
        return person_id == self.call.customer_id or person_id in self.call.staff_ids

    def name_of(self, person_id: str) -> str:
        return self.call.customer_name if person_id == self.call.customer_id else self.names.get(person_id, "")

    def remember_take(self, person_id: str, cmid: str, answer: dict[str, Any]) -> None:
        if len(self.takes) >= MAX_REMEMBERED_TAKES:
            self.takes.pop(next(iter(self.takes)))
        self.takes[person_id, cmid] = answer
