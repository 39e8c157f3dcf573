"""The turns of a call that people would notice if they went wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain import call as calls
from domain.call import Call
from domain.errors import AlreadyTaken, Conflict, Forbidden

NOW = datetime(2026, 11, 22, tzinfo=UTC)
WAITING = Call(id="k", shop_id="s", customer_id="c", customer_name="C", created_at=NOW)
LIVE = calls.go_live(calls.answer(WAITING, "lin", NOW), NOW)


def test_the_second_who_answers_learns_who_was_first() -> None:
    with pytest.raises(AlreadyTaken) as refusal:
        calls.answer(LIVE, "li", NOW)
    assert refusal.value.taken_by == "lin"
    assert calls.answer(LIVE, "lin", NOW) == LIVE


def test_nothing_is_recorded_without_consent_nor_on_hold_nor_while_paused() -> None:
    agreed = calls.set_consent(LIVE, True)
    assert agreed.is_recorded
    assert not LIVE.is_recorded
    assert not calls.set_consent(agreed, False).is_recorded
    assert not calls.hold(agreed, True).is_recorded
    assert not calls.pause_recording(agreed, True).is_recorded
    assert not calls.end(agreed, "customer_hung_up", NOW).is_recorded


def test_a_hand_over_is_invite_join_leave() -> None:
    with pytest.raises(Forbidden):
        calls.join(LIVE, "li")
    with pytest.raises(Conflict, match="only one"):
        calls.leave(LIVE, "lin")
    handed = calls.leave(calls.join(calls.invite(LIVE, "li"), "li"), "lin")
    assert (handed.staff_ids, handed.invited_ids, handed.state) == (("li",), (), "live")


def test_an_invitation_can_be_declined_and_made_again() -> None:
    declined = calls.decline(calls.invite(LIVE, "li"), "li")
    assert declined == LIVE
    assert calls.invite(declined, "li").invited_ids == ("li",)


def test_a_call_holds_three_of_the_shop_at_most() -> None:
    full = calls.invite(calls.invite(LIVE, "li"), "zhao")
    with pytest.raises(Conflict, match="three"):
        calls.invite(full, "wu")


@pytest.mark.parametrize(("seconds", "state"), [(59.999, "live"), (60, "ended")])
def test_a_customer_who_vanishes_keeps_the_call_for_a_minute(seconds: float, state: str) -> None:
    away = calls.gone(LIVE, "customer", NOW)
    later = NOW + timedelta(seconds=seconds)
    assert calls.expire(away, later).state == state
    assert calls.expire(calls.gone(away, "customer", None), later).state == "live"


@pytest.mark.parametrize(
    ("reason", "state"), [("left_line", "abandoned"), ("customer_gone", "abandoned"), ("nobody_answered", "missed")]
)
def test_a_call_that_nobody_answered_is_abandoned_or_missed(reason: calls.EndReason, state: str) -> None:
    assert calls.end(WAITING, reason, NOW).state == state
