"""From a text on a carrier to its answer: measured, understood, put into a lane, attended. No fault gets out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from pydantic import BaseModel, TypeAdapter, ValidationError

from domain.errors import Forbidden, RateLimited, Refusal, Unavailable
from domain.record import Side
from signaling import asks_both, asks_customer, asks_inspection, asks_staff
from signaling import protocol as p
from signaling.carriers import BAD_FRAMES, TOO_MANY, Carrier, ChannelCarrier, SocketCarrier
from signaling.chat import Chat
from signaling.lanes import LaneName
from signaling.refusals import frame_of
from signaling.session import Session, UnderWay
from signaling.stage import Stage
from signaling.understanding import misunderstood, ref_in, type_in, understood
from signaling.welcome import welcome

log = structlog.get_logger()
MAX_BAD_FRAMES = 50  # a page of ours sends none
MAX_OVER_RATE = 500
MAX_COPIES = 32  # both carriers for more than a minute, by the pace at which a page repeats
Do = Callable[[Stage, Session, Any], Awaitable[BaseModel]]


async def hello(stage: Stage, session: Session, ask: p.Hello) -> BaseModel:
    """A second `hello` (each carrier begins with one): a fresh welcome."""
    return await welcome(stage.floor, session, ask)


# Which lane attends a request: `call` and `media` may wait for the media node, `talk` never does.
ATTENDED: dict[type[p.Request], tuple[LaneName, Do]] = {
    p.Hello: ("talk", hello),
    p.Ping: ("talk", asks_both.ping),
    p.MediaOffer: ("media", asks_both.media_offer),
    p.Seen: ("talk", asks_both.seen),
    p.Sync: ("talk", asks_both.sync),
    p.StatusSet: ("talk", asks_both.status_set),
    p.CallEnd: ("call", asks_both.call_end),
    p.CallJoin: ("call", asks_customer.call_join),
    p.ConsentSet: ("call", asks_customer.consent_set),
    p.BookingAnswer: ("talk", asks_customer.booking_answer),
    p.PictureAnswer: ("talk", asks_customer.picture_answer),
    p.CameraReport: ("talk", asks_customer.camera_report),
    p.AvailableSet: ("talk", asks_staff.available_set),
    p.CallAnswer: ("call", asks_staff.call_answer),
    p.CallHold: ("call", asks_staff.call_hold),
    p.CallInvite: ("call", asks_staff.call_invite),
    p.InviteAnswer: ("call", asks_staff.invite_answer),
    p.CallLeave: ("call", asks_staff.call_leave),
    p.RecordingPause: ("call", asks_staff.recording_pause),
    p.PictureTake: ("media", asks_inspection.picture_take),
    p.Freeze: ("media", asks_inspection.freeze),
    p.DrawStroke: ("talk", asks_inspection.draw_stroke),
    p.DrawUndo: ("talk", asks_inspection.draw_undo),
    p.DrawClear: ("talk", asks_inspection.draw_clear),
    p.CameraCommand: ("talk", asks_inspection.camera_command),
    p.BookingPropose: ("talk", asks_staff.booking_propose),
    p.NoteSave: ("talk", asks_staff.note_save),
}
ADAPTERS: dict[Side, TypeAdapter[Any]] = {"customer": p.customer_frames, "staff": p.staff_frames}
OTHER_SIDE: dict[Side, Side] = {"customer": "staff", "staff": "customer"}


class Attendant:
    def __init__(self, stage: Stage, chat: Chat | None = None) -> None:
        self._stage = stage
        self._chat = chat
        self._counts = stage.floor.counts

    def attend(self, session: Session, carrier: Carrier, text: str) -> None:
        """Takes one text in. Every text is answered once, on the carrier that it came on when that still stands."""
        self._counts["frames"] += 1
        wait = session.frames.take(asyncio.get_running_loop().time())
        if wait:
            session.over_rate += 1
            too_fast = RateLimited("Too many frames. Wait a moment.", retry_after_s=round(wait, 3))
            self._refuse(session, carrier, ref_in(text), too_fast)
            if session.over_rate > MAX_OVER_RATE and isinstance(carrier, SocketCarrier):
                carrier.close(TOO_MANY, "too many frames")
            return
        session.over_rate = 0
        if self._chat is not None and is_of_a_conversation(carrier, text):
            self._chat.hear(session.side, session.person_id, carrier, text)
            return
        try:
            ask = understand(session.side, text)
        except Refusal as refusal:
            session.bad_frames += 1
            self._refuse(session, carrier, ref_in(text), refusal)
            if session.bad_frames > MAX_BAD_FRAMES and isinstance(carrier, SocketCarrier):
                carrier.close(BAD_FRAMES, "too many frames that cannot be understood")
            return
        if not self._put(session, carrier, ask):
            too_much = RateLimited("Too much at once. Wait for the answers first.", retry_after_s=1.0)
            self._refuse(session, carrier, ask.ref, too_much)

    def _put(self, session: Session, carrier: Carrier, ask: p.Request) -> bool:
        """Into its lane, or to the copy of it that is there already: who repeats what a busy server has not answered
        yet must not make it busier."""
        lane, do = ATTENDED[type(ask)]
        cmid: str | None = getattr(ask, "cmid", None)
        known = session.under_way.get(cmid) if cmid is not None else None
        if known is not None and is_copy(ask, known.ask):
            self._counts["copies"] += 1
            if len(known.copies) >= MAX_COPIES:
                return False
            known.copies.append((carrier, ask.ref))
            return True
        under_way = UnderWay(ask, [(carrier, ask.ref)])

        async def job() -> None:
            try:
                frame = await self._do(session, ask, do)
            finally:
                if cmid is not None and session.under_way.get(cmid) is under_way:
                    del session.under_way[cmid]
            for asked_on, ref in under_way.copies:
                self._answer(session, asked_on, frame if ref == ask.ref else frame.model_copy(update={"ref": ref}))

        if not session.lanes[lane].put(job):
            return False
        if cmid is not None and known is None:
            session.under_way[cmid] = under_way
        return True

    async def _do(self, session: Session, ask: p.Request, do: Do) -> BaseModel:
        try:
            return await do(self._stage, session, ask)
        except Refusal as refusal:
            self._counts[f"refused_{refusal.code}"] += 1
            return frame_of(refusal, ask.ref)
        except TimeoutError:
            self._counts["refused_unavailable"] += 1
            return frame_of(Unavailable("This took too long. Try again."), ask.ref)
        except Exception:
            self._counts["faults"] += 1
            log.exception("a request failed", ask=type(ask).__name__)
            fault = Refusal("Something went wrong on our side; it was written down. Try again.", code="internal")
            return frame_of(fault, ask.ref)

    def _refuse(self, session: Session, carrier: Carrier, ref: str | None, refusal: Refusal) -> None:
        self._counts[f"refused_{refusal.code}"] += 1
        self._answer(session, carrier, frame_of(refusal, ref))

    def _answer(self, session: Session, carrier: Carrier, frame: BaseModel) -> None:
        text = frame.model_dump_json()
        if not carrier.send(text):
            session.say(text)


def is_of_a_conversation(carrier: Carrier, text: str) -> bool:
    """Conversations have a socket of their own; on a data channel their frames travel among the call's."""
    return isinstance(carrier, ChannelCarrier) and '"chat.' in text and type_in(text).startswith("chat.")


def is_copy(ask: p.Request, of: p.Request) -> bool:
    return ask.model_copy(update={"ref": of.ref}) == of


def understand(side: Side, text: str) -> p.Request:
    """Raises TooLarge, Forbidden (a frame of the other side) or Invalid with the first thing that is wrong."""
    try:
        ask: p.Request = understood(ADAPTERS[side], text)
    except ValidationError as fault:
        if fault.errors()[0]["type"] == "union_tag_invalid" and type_in(text) in TYPES[OTHER_SIDE[side]]:
            raise Forbidden(f"Only {OTHER_SIDE[side]} may ask this.") from None
        raise misunderstood(fault) from None
    return ask


def _types_of(union: Any) -> frozenset[str]:
    return frozenset(member.model_fields["type"].annotation.__args__[0] for member in union.__args__)


TYPES: dict[Side, frozenset[str]] = {"customer": _types_of(p.CustomerAsk), "staff": _types_of(p.StaffAsk)}
