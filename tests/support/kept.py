"""Things that stores keep in tests: a shop, a call, a message, a booking, a picture."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.call import Call
from domain.people import Service, Shop
from domain.record import Booking, BookingState, NewEvent, Picture

NOW = datetime(2026, 11, 22, 10, 30, 15, 123456, tzinfo=UTC)
SHOP = Shop(
    id="shop-1", slug="lin", name="Lin", name_zh="林记", services=(Service(name="Sole", minutes=30, price=900),)
)
CALL = Call(id="call-1", shop_id="shop-1", customer_id="ann", customer_name="Ann", matter="a scratch", created_at=NOW)
LIVE = CALL.model_copy(update={"state": "live", "staff_ids": ("s-0",), "answered_at": NOW, "live_at": NOW})


def message(number: int, *, author: str = "ann", call_id: str = "call-1", text: str = "hello") -> NewEvent:
    return NewEvent(
        call_id=call_id,
        kind="message",
        cmid=f"cmid-{number:06}",
        author=author,
        side="customer",
        author_name="Ann",
        at=NOW,
        body={"text": text},
    )


def booking(state: BookingState = "proposed", **changes: Any) -> Booking:
    kept = Booking(
        id="booking-1",
        shop_id="shop-1",
        call_id="call-1",
        customer_id="ann",
        service="Sole",
        starts_at=NOW + timedelta(days=2),
        minutes=30,
        price=900,
        currency="CNY",
        state=state,
        proposed_by="s-0",
        proposed_at=NOW,
    )
    return kept.model_copy(update=changes)


PICTURE = Picture(id="pic-1", call_id="call-1", taken_by="s-0", taken_at=NOW, width=640, height=480, blob="a" * 64)
