"""What a call leaves behind: its stream of events (chat, bookings, consent, pictures), bookings, pictures, recordings.

A call's stream is the one order of its durable things: positions 1, 2, 3 ... without gaps. A client applies only
`position + 1`, ignores what it has, and fetches a gap. Written with the writer's own id (`cmid`), so that a thing that
came twice (both carriers, or a retry after a lost answer) is stored once and answered the same.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Side = Literal["customer", "staff"]
Cmid = Annotated[str, Field(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
EventKind = Literal["message", "booking", "consent", "recording", "picture", "joined", "left"]


class CallEvent(BaseModel):
    """`author` is a customer id or staff id; `body` is the JSON of the thing itself (see `docs/protocol.md`)."""

    model_config = ConfigDict(frozen=True)
    call_id: str
    position: int = Field(ge=1)
    kind: EventKind
    cmid: str
    author: str
    side: Side
    author_name: str
    at: datetime
    body: dict[str, Any]


class NewEvent(BaseModel):
    """An event before the store gave it a position."""

    model_config = ConfigDict(frozen=True)
    call_id: str
    kind: EventKind
    cmid: str
    author: str
    side: Side
    author_name: str
    at: datetime
    body: dict[str, Any]


class Watermark(BaseModel):
    """How far one person's devices are: `read <= delivered`, both only grow (merged by maximum)."""

    model_config = ConfigDict(frozen=True)
    call_id: str
    person_id: str
    delivered: int = Field(default=0, ge=0)
    read: int = Field(default=0, ge=0)


BookingState = Literal["proposed", "confirmed", "declined", "withdrawn"]
# What a booking must have been to become the key: an answer is given once; only staff take a confirmed one back.
BOOKING_BEFORE: dict[BookingState, frozenset[BookingState]] = {
    "proposed": frozenset({"proposed"}),
    "confirmed": frozenset({"proposed"}),
    "declined": frozenset({"proposed"}),
    "withdrawn": frozenset({"proposed", "confirmed"}),
}


class Booking(BaseModel):
    """A promise: proposed by staff, confirmed or declined by the customer. `price` in minor units of `currency`."""

    model_config = ConfigDict(frozen=True)
    id: str
    shop_id: str
    call_id: str
    customer_id: str
    service: str = Field(min_length=1, max_length=80)
    starts_at: datetime
    minutes: int = Field(ge=5, le=24 * 60)
    price: int = Field(ge=0, le=100_000_000)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    note: str = Field(default="", max_length=500)
    state: BookingState = "proposed"
    proposed_by: str
    proposed_at: datetime
    answered_at: datetime | None = None


class Picture(BaseModel):
    """A kept picture of a call. `strokes` is the drawing (normalised coordinates), laid over the clean picture."""

    model_config = ConfigDict(frozen=True)
    id: str
    call_id: str
    taken_by: str
    taken_at: datetime
    width: int
    height: int
    source: Literal["stream", "still"] = "stream"
    blob: str
    strokes: tuple[dict[str, Any], ...] = ()


class Recording(BaseModel):
    """The finished recording of a call. `files` name blobs: `call` (one Matroska/WebM with every track) and a pair of
    playable stream copies per person (`customer`, `staff`), all on one timeline that starts at `started_at`."""

    model_config = ConfigDict(frozen=True)
    call_id: str
    state: Literal["recording", "finishing", "ready", "failed", "none"]
    started_at: datetime | None = None
    duration_s: float = 0.0
    files: dict[str, str] = {}
    tracks: tuple[dict[str, Any], ...] = ()
