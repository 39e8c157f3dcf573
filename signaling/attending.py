"""From a text on a carrier to its answer: measured, understood, put into a lane, attended. No fault gets out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from pydantic import BaseModel, TypeAdapter, ValidationError

from domain.errors import AlreadyTaken, Forbidden, Invalid, RateLimited, Refusal, TooLarge, Unavailable
from domain.record import Side
from signaling import asks_both, asks_customer, asks_inspection, asks_staff, news
from signaling import protocol as p
from signaling.carriers import BAD_FRAMES, TOO_MANY, Carrier, SocketCarrier
from signaling.lanes import LaneName
from signaling.session import Session, UnderWay
from signaling.stage import Stage
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
    p.MessageSend: ("talk", asks_both.message_send),
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
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
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
            return error_frame(ask.ref, refusal)
        except TimeoutError:
            self._counts["refused_unavailable"] += 1
            return error_frame(ask.ref, Unavailable("This took too long. Try again."))
        except Exception:
            self._counts["faults"] += 1
            log.exception("a request failed", ask=type(ask).__name__)
            fault = Refusal("Something went wrong on our side; it was written down. Try again.", code="internal")
            return error_frame(ask.ref, fault)

    def _refuse(self, session: Session, carrier: Carrier, ref: str | None, refusal: Refusal) -> None:
        self._counts[f"refused_{refusal.code}"] += 1
        self._answer(session, carrier, error_frame(ref, refusal))

    def _answer(self, session: Session, carrier: Carrier, frame: BaseModel) -> None:
        text = frame.model_dump_json()
        if not carrier.send(text):
            session.say(text)


def is_copy(ask: p.Request, of: p.Request) -> bool:
    return ask.model_copy(update={"ref": of.ref}) == of


def understand(side: Side, text: str) -> p.Request:
    """Raises TooLarge, Forbidden (a frame of the other side) or Invalid with the first thing that is wrong."""
    if len(text) > p.MAX_FRAME_BYTES or len(text.encode("utf-8", "replace")) > p.MAX_FRAME_BYTES:
        raise TooLarge(f"A frame holds at most {p.MAX_FRAME_BYTES} bytes. Send less at once.")
    try:
        ask: p.Request = ADAPTERS[side].validate_json(text)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False, include_context=False)[0]
        if first["type"] == "union_tag_invalid" and type_in(text) in TYPES[OTHER_SIDE[side]]:
            raise Forbidden(f"Only {OTHER_SIDE[side]} may ask this.") from None
        where = ".".join(str(part) for part in first["loc"][1:])
        raise Invalid(f"This frame cannot be understood: {where + ': ' if where else ''}{first['msg'][:300]}") from None
    return ask


def error_frame(ref: str | None, refusal: Refusal) -> news.ErrorFrame:
    return news.ErrorFrame(
        ref=ref,
        code=refusal.code,
        message=refusal.message,
        taken_by=refusal.taken_by if isinstance(refusal, AlreadyTaken) else None,
        retry_after_s=refusal.retry_after_s if isinstance(refusal, RateLimited) else None,
    )


def ref_in(text: str) -> str | None:
    """The `ref` of a frame that is refused, when it has one that can be given back."""
    ref = _field(text, "ref")
    return ref if isinstance(ref, str) and 0 < len(ref) <= 64 and ref.isprintable() else None


def type_in(text: str) -> str:
    return str(_field(text, "type"))


def _field(text: str, name: str) -> object:
    if len(text) > p.MAX_FRAME_BYTES:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found.get(name) if isinstance(found, dict) else None


def _types_of(union: Any) -> frozenset[str]:
    return frozenset(member.model_fields["type"].annotation.__args__[0] for member in union.__args__)


TYPES: dict[Side, frozenset[str]] = {"customer": _types_of(p.CustomerAsk), "staff": _types_of(p.StaffAsk)}
