"""The one protocol on both carriers (WebSocket text frames, data-channel text messages): JSON objects with a `type`.

From a browser every frame is a request with a `ref` of its own choosing; the answer is `ok {ref, ...}` or
`error {ref, code, message}`, on the carrier that the request came on. A request that is kept carries a `cmid`: sent again,
on either carrier, it is kept once and answered the same. From the server, frames without `ref` are news.
`docs/protocol.md` shows each frame; `web/src/wire/frames.ts` is generated from here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from domain.people import Language
from domain.record import Cmid

MAX_FRAME_BYTES = 64 * 1024  # an SDP offer is the largest honest frame, about 12 kB
Ref = Annotated[str, Field(min_length=1, max_length=64)]
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Unit = Annotated[float, Field(ge=-0.5, le=1.5)]  # a share of the picture's width or height; a pen may leave the picture


class Frame(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Request(Frame):
    ref: Ref


# --- what both people may ask -------------------------------------------------------------------------------------


class Hello(Request):
    """First frame on every carrier: how far this device is in its call's stream. Answer: `welcome`."""

    type: Literal["hello"]
    position: int = Field(default=0, ge=0)
    language: Language = "en"


class Ping(Request):
    type: Literal["ping"]


class MediaOffer(Request):
    """An SDP offer (RFC 8829) for this tab's one peer connection. The same `peer` again is an ICE restart in place; a
    new `peer` replaces the connection on the same legs. Answer: `ok {sdp}`."""

    type: Literal["media.offer"]
    peer: Id
    sdp: str = Field(max_length=48 * 1024)


class Seen(Request):
    """Watermarks of this person, merged by maximum."""

    type: Literal["seen"]
    delivered: int = Field(ge=0)
    read: int = Field(default=0, ge=0)


class Sync(Request):
    """Answer: `ok {events}` with the positions after `after`."""

    type: Literal["sync"]
    after: int = Field(ge=0)


class StatusSet(Request):
    """What the other side should know of this one; not kept."""

    type: Literal["status.set"]
    muted: bool = False
    camera_on: bool = True
    visible: bool = True
    dark: bool = False
    shaking: bool = False
    quality: Literal["good", "fair", "poor", "lost"] | None = None


class CallEnd(Request):
    """Customer: leaves the line or hangs up. Staff: hangs up for all."""

    type: Literal["call.end"]


# --- what a customer may ask --------------------------------------------------------------------------------------


class CallJoin(Request):
    """Gets in line. A customer who has a call already gets that one. Answer: `ok {call}`."""

    type: Literal["call.join"]
    name: str = Field(min_length=1, max_length=80)
    matter: str = Field(default="", max_length=500)
    consent: bool = False


class ConsentSet(Request):
    type: Literal["consent.set"]
    cmid: Cmid
    recording: bool


class BookingAnswer(Request):
    type: Literal["booking.answer"]
    cmid: Cmid
    booking_id: Id
    answer: Literal["confirm", "decline"]


class PictureAnswer(Request):
    """Answers `picture.ask`: without consent to recording nothing is kept unless the customer says so."""

    type: Literal["picture.answer"]
    picture_id: Id
    keep: bool


class Zoom(Frame):
    min: float
    max: float
    step: float = 0.1
    value: float = 1.0


class CameraReport(Request):
    """What this phone's camera can do and does now; sent after each change and as the answer to a `camera.command`."""

    type: Literal["camera.report"]
    facing: Literal["rear", "front", "unknown"] = "unknown"
    can_switch: bool = False
    torch: bool | None = None  # None: this phone has no torch to steer
    zoom: Zoom | None = None
    still: bool = False  # can send a full-resolution still
    error: str = Field(default="", max_length=200)


# --- what staff may ask -------------------------------------------------------------------------------------------


class AvailableSet(Request):
    type: Literal["available.set"]
    available: bool


class CallAnswer(Request):
    """Answer: `ok {call}`, or `error already_taken` with `taken_by` (the colleague's name)."""

    type: Literal["call.answer"]
    call_id: Id


class CallHold(Request):
    type: Literal["call.hold"]
    held: bool


class CallInvite(Request):
    """`handover`: when the colleague has joined, the one who asked leaves."""

    type: Literal["call.invite"]
    staff_id: Id
    handover: bool = False


class InviteAnswer(Request):
    type: Literal["invite.answer"]
    call_id: Id
    accept: bool


class CallLeave(Request):
    """Leaves a call in which other staff remain."""

    type: Literal["call.leave"]


class RecordingPause(Request):
    type: Literal["recording.pause"]
    paused: bool


class PictureTake(Request):
    """Answer: `ok {picture}` once decoded, or `ok {asked: picture_id}` when the customer must agree first."""

    type: Literal["picture.take"]
    cmid: Cmid


class Freeze(Request):
    """Freezes the customer's picture for all (takes it and shows it in place of the live one), or thaws."""

    type: Literal["freeze"]
    frozen: bool


class Stroke(Frame):
    """One mark on the picture, in shares of its width and height. `points` of a pen grow; arrow and circle have two."""

    id: Id
    tool: Literal["pen", "arrow", "circle", "number", "text"]
    color: str = Field(default="#ff3b30", pattern=r"^#[0-9a-fA-F]{6}$")
    width: float = Field(default=0.006, gt=0, le=0.1)
    points: list[tuple[Unit, Unit]] = Field(max_length=2000)
    text: str = Field(default="", max_length=120)
    number: int = Field(default=0, ge=0, le=99)


class DrawStroke(Request):
    """Adds a stroke, or replaces the one with this id (a stroke in progress is sent as it grows)."""

    type: Literal["draw.stroke"]
    stroke: Stroke


class DrawUndo(Request):
    type: Literal["draw.undo"]


class DrawClear(Request):
    type: Literal["draw.clear"]


class CameraCommand(Request):
    """Steers the customer's camera; the phone answers all with a `camera.report`."""

    type: Literal["camera.command"]
    switch: bool = False
    torch: bool | None = None
    zoom: float | None = None


class BookingPropose(Request):
    type: Literal["booking.propose"]
    cmid: Cmid
    service: str = Field(min_length=1, max_length=80)
    starts_at: datetime
    minutes: int = Field(ge=5, le=24 * 60)
    price: int = Field(ge=0, le=100_000_000)
    note: str = Field(default="", max_length=500)


class NoteSave(Request):
    """The private note of a call (this one, or a past one by id). Staff only, never sent to a customer."""

    type: Literal["note.save"]
    call_id: Id
    text: str = Field(max_length=4000)


BothAsk = Hello | Ping | MediaOffer | Seen | Sync | StatusSet | CallEnd
CustomerAsk = BothAsk | CallJoin | ConsentSet | BookingAnswer | PictureAnswer | CameraReport
StaffAsk = (
    BothAsk | AvailableSet | CallAnswer | CallHold | CallInvite | InviteAnswer | CallLeave | RecordingPause
    | PictureTake | Freeze | DrawStroke | DrawUndo | DrawClear | CameraCommand | BookingPropose | NoteSave
)  # fmt: skip
customer_frames: TypeAdapter[CustomerAsk] = TypeAdapter(Annotated[CustomerAsk, Field(discriminator="type")])
staff_frames: TypeAdapter[StaffAsk] = TypeAdapter(Annotated[StaffAsk, Field(discriminator="type")])
