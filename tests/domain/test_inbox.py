from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.conversation import Conversation
from domain.errors import AlreadyTaken, Conflict, Invalid
from domain.inbox import act, body_of, wake
from domain.people import Staff

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
MEI = Staff(id="mei", shop_id="shop", username="mei", name="Mei", password_hash="-")
LI = MEI.model_copy(update={"id": "li", "name": "Li"})
OPEN = Conversation(id="ann", shop_id="shop", state="open", last_at=NOW, waiting_since=NOW)
SNOOZED = OPEN.model_copy(update={"state": "snoozed", "snoozed_until": NOW})


def test_taking_keeps_what_a_colleague_has_and_giving_does_not() -> None:
    taken = act(OPEN, "take", assignee=MEI)
    assert (taken.assignee, taken.state, taken.waiting_since) == ("mei", "open", NOW)
    assert act(taken, "take", assignee=MEI) == taken
    with pytest.raises(AlreadyTaken) as refused:
        act(taken, "take", assignee=LI)
    assert refused.value.taken_by == "mei"
    assert act(taken, "assign", assignee=LI).assignee == "li"
    assert act(taken, "unassign").assignee is None


def test_a_closed_conversation_waits_for_nobody() -> None:
    closed = act(SNOOZED, "close")
    assert (closed.state, closed.waiting_since, closed.snoozed_until) == ("closed", None, None)
    with pytest.raises(Conflict):
        act(closed, "close")
    assert act(closed, "reopen").state == "open"
    with pytest.raises(Conflict):
        act(OPEN, "reopen")


def test_a_snoozed_conversation_wakes_when_its_time_has_come_and_once() -> None:
    snoozed = act(OPEN, "snooze", until=NOW + timedelta(hours=1))
    with pytest.raises(Conflict):
        wake(snoozed, NOW)
    woken = wake(snoozed, NOW + timedelta(hours=1))
    assert (woken.state, woken.snoozed_until, woken.waiting_since) == ("open", None, NOW)
    with pytest.raises(Conflict):
        wake(woken, NOW + timedelta(hours=2))


def test_what_a_deed_needs_is_asked_for() -> None:
    assert body_of("assign", LI, None, NOW) == {"staff_id": "li", "staff_name": "Li"}
    for deed, until in (("assign", None), ("snooze", None), ("snooze", NOW), ("snooze", NOW + timedelta(days=91))):
        with pytest.raises(Invalid):
            body_of(deed, None, until, NOW)  # type: ignore[arg-type]
