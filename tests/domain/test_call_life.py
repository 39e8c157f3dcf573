"""A call's life: only the legal ways lead on, whatever people do and in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain import call as calls
from domain.call import MAX_STAFF, OVER, REJOIN_WINDOW, Call, CallState, EndReason
from domain.errors import AlreadyTaken, Conflict, Refusal

START = datetime(2026, 11, 22, tzinfo=UTC)
LEGAL: dict[CallState, set[CallState]] = {
    "waiting": {"ringing", "abandoned", "missed"},
    "ringing": {"live", "ended"},
    "live": {"ended"},
    "ended": set(),
    "abandoned": set(),
    "missed": set(),
}
who = st.sampled_from(["lin", "li", "zhao", "wu", "qian"])
yes_or_no = st.booleans()


class CallLife(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.call = Call(id="k", shop_id="s", customer_id="c", customer_name="C", created_at=START)

    def step(self, after: Call) -> None:
        before, self.call = self.call, after
        assert after.state == before.state or after.state in LEGAL[before.state]
        if before.is_over:  # nothing that was true of a finished call is rewritten
            free = {"customer_gone_at", "staff_gone_at", "invited_ids"}
            assert after.model_dump(exclude=free) == before.model_dump(exclude=free)

    @rule(staff=who)
    def answer(self, staff: str) -> None:
        before = self.call
        try:
            self.step(calls.answer(before, staff, self.now))
        except AlreadyTaken:
            assert before.state in ("ringing", "live")
            assert staff not in before.staff_ids
        except Conflict:
            assert before.is_over
        else:
            assert staff in self.call.staff_ids
            assert before.state == "waiting" or self.call == before

    @rule()
    def go_live(self) -> None:
        before = self.call
        try:
            self.step(calls.go_live(before, self.now))
        except Conflict:
            assert before.state not in ("ringing", "live")
        else:
            assert self.call.state == "live"

    @rule(held=yes_or_no)
    def hold(self, held: bool) -> None:
        before = self.call
        try:
            self.step(calls.hold(before, held))
        except Conflict:
            assert before.state != "live"

    @rule(agreed=yes_or_no)
    def consent(self, agreed: bool) -> None:
        before = self.call
        try:
            self.step(calls.set_consent(before, agreed))
        except Conflict:
            assert before.is_over
        else:
            assert self.call.consent is agreed

    @rule(paused=yes_or_no)
    def pause(self, paused: bool) -> None:
        before = self.call
        try:
            self.step(calls.pause_recording(before, paused))
        except Conflict:
            assert before.state != "live"

    @rule(act=st.sampled_from([calls.invite, calls.join, calls.decline, calls.leave]), staff=who)
    def colleague(self, act: object, staff: str) -> None:
        try:
            self.step(act(self.call, staff))  # type: ignore[operator]
        except Refusal:
            assert act is not calls.decline

    @rule(reason=st.sampled_from(get_args(EndReason)))
    def end(self, reason: EndReason) -> None:
        before = self.call
        self.step(calls.end(before, reason, self.now))
        assert self.call.is_over
        assert self.call == before if before.is_over else self.call.end_reason == reason

    @rule(side=st.sampled_from(["customer", "staff"]), away=yes_or_no)
    def gone(self, side: str, away: bool) -> None:
        self.step(calls.gone(self.call, side, self.now if away else None))  # type: ignore[arg-type]

    @rule(seconds=st.integers(0, 90))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        before = self.call
        self.step(calls.expire(before, self.now))
        away = [at for at in (before.customer_gone_at, before.staff_gone_at) if at and self.now - at >= REJOIN_WINDOW]
        assert self.call.is_over == (before.is_over or bool(away))

    @invariant()
    def holds_together(self) -> None:
        call = self.call
        assert Call.model_validate(call.model_dump()) == call
        assert call.is_over == (call.state in OVER) == (call.ended_at is not None) == (call.end_reason is not None)
        assert len(set(call.staff_ids)) == len(call.staff_ids)
        assert len(set(call.staff_ids) | set(call.invited_ids)) <= MAX_STAFF
        assert not set(call.staff_ids) & set(call.invited_ids)
        assert bool(call.staff_ids) == (call.answered_at is not None)
        assert call.live_at is None or call.answered_at is not None
        if call.is_recorded:
            assert call.consent
            assert call.state == "live"
            assert not call.held
            assert not call.recording_paused
        if call.state in ("waiting", "abandoned", "missed"):
            assert not call.staff_ids
        if call.held:
            assert call.state == "live"


CallLife.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestCallLife = CallLife.TestCase
