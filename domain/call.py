"""The life of a call: `waiting -> ringing -> live (held, resumed) -> ended`, and `abandoned` or `missed`.

A call is a value. Each function takes the call and what happened and returns the next value, or raises a `Refusal`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.errors import AlreadyTaken, Conflict, Forbidden

CallState = Literal["waiting", "ringing", "live", "ended", "abandoned", "missed"]
EndReason = Literal["customer_hung_up", "staff_hung_up", "customer_gone", "staff_gone", "left_line", "nobody_answered"]
REJOIN_WINDOW = timedelta(seconds=60)
OVER: frozenset[CallState] = frozenset({"ended", "abandoned", "missed"})
MAX_STAFF = 3  # the customer and three of the shop: four peers


class Call(BaseModel):
    """One visit. `staff_ids[0]` leads; the others were invited. `consent` is the customer's word on recording, now."""

    model_config = ConfigDict(frozen=True)
    id: str
    shop_id: str
    customer_id: str
    customer_name: str = Field(min_length=1, max_length=80)
    matter: str = Field(default="", max_length=500)
    state: CallState = "waiting"
    staff_ids: tuple[str, ...] = ()
    invited_ids: tuple[str, ...] = ()
    held: bool = False
    consent: bool = False
    recording_paused: bool = False
    created_at: datetime
    answered_at: datetime | None = None
    live_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: EndReason | None = None
    customer_gone_at: datetime | None = None
    staff_gone_at: datetime | None = None
    note: str = Field(default="", max_length=4000)

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    @property
    def is_recorded(self) -> bool:
        """True while packets may be kept: live, agreed, not paused, not on hold."""
        return self.state == "live" and self.consent and not self.recording_paused and not self.held


def answer(call: Call, staff_id: str, now: datetime) -> Call:
    """A member of staff takes a waiting call. The store must apply it so that exactly one wins.

    Raises AlreadyTaken when somebody else has it, Conflict when it is over.
    """
    if call.state in ("ringing", "live"):
        if staff_id in call.staff_ids:
            return call
        raise AlreadyTaken("A colleague has already answered this customer.", taken_by=call.staff_ids[0])
    if call.state != "waiting":
        raise Conflict("This customer is no longer waiting.")
    return call.model_copy(update={"state": "ringing", "staff_ids": (staff_id,), "answered_at": now})


def go_live(call: Call, now: datetime) -> Call:
    """Both ends are connected: forwarding starts. A live call stays as it is."""
    if call.state == "live":
        return call
    if call.state != "ringing":
        raise Conflict("This call cannot start: it was not answered or is over.")
    return call.model_copy(update={"state": "live", "live_at": now})


def hold(call: Call, held: bool) -> Call:
    _require_live(call)
    return call.model_copy(update={"held": held})


def set_consent(call: Call, agreed: bool) -> Call:
    if call.is_over:
        raise Conflict("This call is over; what was recorded follows what you agreed to during it.")
    return call.model_copy(update={"consent": agreed})


def pause_recording(call: Call, paused: bool) -> Call:
    _require_live(call)
    return call.model_copy(update={"recording_paused": paused})


def invite(call: Call, staff_id: str) -> Call:
    _require_live(call)
    if staff_id in call.staff_ids:
        raise Conflict("This colleague is already in the call.")
    if len(set(call.staff_ids) | set(call.invited_ids) | {staff_id}) > MAX_STAFF:
        raise Conflict("A call holds at most three people of the shop. Let one leave first.")
    return call.model_copy(update={"invited_ids": (*(i for i in call.invited_ids if i != staff_id), staff_id)})


def join(call: Call, staff_id: str) -> Call:
    """An invited colleague comes in."""
    _require_live(call)
    if staff_id in call.staff_ids:
        return call
    if staff_id not in call.invited_ids:
        raise Forbidden("You were not invited to this call. Ask the colleague who leads it.")
    rest = tuple(i for i in call.invited_ids if i != staff_id)
    return call.model_copy(update={"staff_ids": (*call.staff_ids, staff_id), "invited_ids": rest})


def decline(call: Call, staff_id: str) -> Call:
    return call.model_copy(update={"invited_ids": tuple(i for i in call.invited_ids if i != staff_id)})


def leave(call: Call, staff_id: str) -> Call:
    """A member of staff goes and others stay (the hand-over's second half). The last one must hang up instead."""
    _require_live(call)
    rest = tuple(i for i in call.staff_ids if i != staff_id)
    if not rest:
        raise Conflict("You are the only one of the shop in this call. Hang up, or hand it over first.")
    return call.model_copy(update={"staff_ids": rest})


def end(call: Call, reason: EndReason, now: datetime) -> Call:
    """Ends a call from any state; one that is over stays as it is. A waiting call becomes `abandoned` or `missed`."""
    if call.is_over:
        return call
    state: CallState = "ended"
    if call.state == "waiting":
        state = "missed" if reason == "nobody_answered" else "abandoned"
    return call.model_copy(update={"state": state, "ended_at": now, "end_reason": reason, "held": False})


def gone(call: Call, who: Literal["customer", "staff"], at: datetime | None) -> Call:
    """Marks one side as out of reach since `at`, or back (`None`)."""
    return call.model_copy(update={f"{who}_gone_at": at})


def expire(call: Call, now: datetime, window: timedelta = REJOIN_WINDOW) -> Call:
    """Ends a call whose customer (or whole staff side) has been gone longer than the rejoin window."""
    if call.is_over:
        return call
    if call.customer_gone_at and now - call.customer_gone_at >= window:
        return end(call, "customer_gone", now)
    if call.staff_gone_at and now - call.staff_gone_at >= window:
        return end(call, "staff_gone", now)
    return call


def _require_live(call: Call) -> None:
    if call.state != "live":
        raise Conflict("This is only possible during a call.")
