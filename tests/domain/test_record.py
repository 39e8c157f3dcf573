"""Limits of what a call leaves behind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from domain import errors
from domain.record import BOOKING_BEFORE, Booking, BookingState, Cmid, Watermark

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize("cmid", ["", "short", "x" * 65, "has space", "umlaut-ä-1234", "new-line-1\n"])
def test_a_writers_own_id_is_8_to_64_plain_characters(cmid: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Cmid).validate_python(cmid)


def test_a_booking_is_answered_once() -> None:
    assert set(BOOKING_BEFORE) == set(get_args(BookingState))
    for answered in ("confirmed", "declined"):
        assert BOOKING_BEFORE[answered] == {"proposed"}


@pytest.mark.parametrize("change", [{"minutes": 4}, {"price": -1}, {"currency": "yuan"}, {"service": ""}])
def test_a_booking_that_cannot_be_meant_is_refused(change: dict[str, object]) -> None:
    fields = {
        "id": "b", "shop_id": "s", "call_id": "k", "customer_id": "c", "service": "Sole", "starts_at": NOW,
        "minutes": 30, "price": 900, "currency": "CNY", "proposed_by": "lin", "proposed_at": NOW,
    }  # fmt: skip
    Booking.model_validate(fields)
    with pytest.raises(ValidationError):
        Booking.model_validate(fields | change)


def test_a_mark_is_never_negative() -> None:
    with pytest.raises(ValidationError):
        Watermark(call_id="k", person_id="p", delivered=-1)


def test_every_refusal_has_a_code_of_its_own_and_a_fitting_status() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.Refusal)]
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(400 <= kind.status < 600 for kind in kinds)
    assert errors.LinkRefused("x", code="link_expired").code == "link_expired"
