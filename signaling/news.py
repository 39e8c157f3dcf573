"""What the server says: answers to requests (`ok`, `error`, `welcome`) and news, on whichever carrier is fit.

The other half of `signaling.protocol`; `docs/protocol.md` shows each frame.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from domain.call import CallState, EndReason
from domain.people import Service
from domain.record import CallEvent, Picture, Recording
from signaling.protocol import Frame, Stroke, Zoom


class Person(Frame):
    """`status` is None while that person has no live session."""

    id: str
    name: str
    side: Literal["customer", "staff"]
    slot: int | None = None  # which of my receiving slots (0 main, 1, 2) shows this person; None: myself
    connected: bool = True
    status: StatusView | None = None


class StatusView(Frame):
    muted: bool
    camera_on: bool
    visible: bool
    dark: bool
    shaking: bool
    quality: Literal["good", "fair", "poor", "lost"] | None


class CameraView(Frame):
    facing: Literal["rear", "front", "unknown"]
    can_switch: bool
    torch: bool | None
    zoom: Zoom | None
    still: bool
    error: str


class BoardView(Frame):
    """The drawing on the customer's picture; `picture_url` is set while frozen."""

    frozen: bool = False
    picture_url: str | None = None
    strokes: list[Stroke] = []


class CallView(Frame):
    """A call as one participant sees it: a whole snapshot, sent after each change, replaces the one before."""

    id: str
    state: CallState
    customer_name: str
    matter: str
    held: bool
    consent: bool
    recording: Literal["off", "on", "paused", "failed"]  # failed: agreed to, but the server cannot write it
    created_at: datetime
    answered_at: datetime | None
    live_at: datetime | None
    ended_at: datetime | None
    end_reason: EndReason | None
    people: list[Person]
    invited: list[Person] = []
    camera: CameraView | None = None
    board: BoardView = BoardView()
    note: str | None = None  # staff only
    head: int = 0  # last position of the stream


class WaitingView(Frame):
    call_id: str
    customer_id: str
    name: str
    matter: str
    since: datetime
    connected: bool
    number: int


class ColleagueView(Frame):
    id: str
    name: str
    available: bool
    in_call: bool


class IceServer(Frame):
    """As RTCIceServer in W3C WebRTC; credentials after coturn's REST scheme, valid for `ttl_s`."""

    urls: list[str]
    username: str = ""
    credential: str = ""


class Welcome(Frame):
    """Answer to `hello`: everything this session needs to draw itself."""

    type: Literal["welcome"] = "welcome"
    ref: str
    me: Person
    shop_name: str
    shop_name_zh: str
    currency: str
    time_zone: str
    services: list[Service]
    ice_servers: list[IceServer]
    call: CallView | None
    events: list[CallEvent]
    watermarks: list[WatermarkView]
    now: datetime


class WatermarkView(Frame):
    person_id: str
    delivered: int
    read: int


class Ok(Frame):
    """`data` of the answer depends on the request; see each request's docstring."""

    type: Literal["ok"] = "ok"
    ref: str
    position: int | None = None
    sdp: str | None = None
    call: CallView | None = None
    events: list[CallEvent] | None = None
    picture: Picture | None = None
    asked: str | None = None


class ErrorFrame(Frame):
    type: Literal["error"] = "error"
    ref: str | None = None
    code: str
    message: str
    taken_by: str | None = None
    retry_after_s: float | None = None
    expected: int | None = None  # of `expect`: the number that this device must send next
    position: int | None = None  # of `held_back`: where the words are that were not seen


class CallChanged(Frame):
    type: Literal["call"] = "call"
    call: CallView


class EventNews(Frame):
    """One durable thing of the call: apply only `position + 1`; ignore what you have; `sync` a gap."""

    type: Literal["event"] = "event"
    event: CallEvent


class SeenNews(Frame):
    type: Literal["watermark"] = "watermark"
    call_id: str
    watermark: WatermarkView


class Line(Frame):
    """The waiting line, for staff; whole, after each change."""

    type: Literal["line"] = "line"
    waiting: list[WaitingView]
    colleagues: list[ColleagueView]
    available: bool
    unread_left_messages: int = 0


class Place(Frame):
    """The customer's place in line, 1 is next; `staff_available` counts those who could answer."""

    type: Literal["place"] = "place"
    number: int
    staff_available: int


class Invitation(Frame):
    type: Literal["invitation"] = "invitation"
    call_id: str
    from_name: str
    customer_name: str
    matter: str
    handover: bool


class InvitationGone(Frame):
    """The call is over, or the invitation was taken back: there is nothing to join any more."""

    type: Literal["invitation.gone"] = "invitation.gone"
    call_id: str


class BoardNews(Frame):
    """The whole board changed (freeze, thaw, undo, clear)."""

    type: Literal["board"] = "board"
    board: BoardView


class StrokeNews(Frame):
    type: Literal["stroke"] = "stroke"
    stroke: Stroke


class CommandNews(Frame):
    type: Literal["camera.command"] = "camera.command"
    switch: bool
    torch: bool | None
    zoom: float | None


class PictureAsk(Frame):
    """To the customer, who has not agreed to recording: may this picture be kept? `url` shows it."""

    type: Literal["picture.ask"] = "picture.ask"
    picture_id: str
    url: str


class PictureRefused(Frame):
    """To staff: the customer did not want this picture kept."""

    type: Literal["picture.refused"] = "picture.refused"
    picture_id: str


class StillWanted(Frame):
    """To the customer's phone: send the full-resolution still of this picture by HTTP PUT to `url`."""

    type: Literal["still.wanted"] = "still.wanted"
    picture_id: str
    url: str


class PictureReplaced(Frame):
    type: Literal["picture.replaced"] = "picture.replaced"
    picture: Picture


class MediaRenew(Frame):
    """Make a new peer connection with a new `peer` id and offer it: the old one is lost (its worker died, or it went silent)."""

    type: Literal["media.renew"] = "media.renew"
    reason: Literal["worker_lost", "peer_lost"]


class RecordingNews(Frame):
    type: Literal["recording"] = "recording"
    recording: Recording


class Replaced(Frame):
    """Another tab of this person took over; this one stays quiet until the person asks it to take over again."""

    type: Literal["replaced"] = "replaced"


Said = (
    Welcome | Ok | ErrorFrame | CallChanged | EventNews | SeenNews | Line | Place | Invitation | InvitationGone | BoardNews
    | StrokeNews | CommandNews | PictureAsk | PictureRefused | StillWanted | PictureReplaced | MediaRenew | RecordingNews | Replaced
)  # fmt: skip

# What an event's `body` holds, by kind:
#   message   {text}
#   booking   {booking}            a Booking after the change (proposed, confirmed, declined)
#   consent   {recording: bool}
#   recording {paused: bool}
#   picture   {picture}            a Picture
#   joined / left  {}              staff who came or went (author)
