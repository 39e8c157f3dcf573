"""The jobs that know devices, the codes with which a second one joins, and the sessions that were signed out."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from domain.errors import Conflict, Forbidden, NotFound
from domain.stream import Device
from store import conversation_tables as t
from store.rows import insert_into, many, value_of

NO_DEVICE = "This device is not known here. Say hello again."
OTHERS = "This device belongs to somebody else. Load the page again."
ENDED = "This device was signed out. Open the shop's link again."
NO_CODE = "This code is not valid any more. Show a new one on the first device."
SEEN_AGAIN = timedelta(hours=1)  # a device that comes back sooner costs no commit
COOKIES_END = timedelta(days=180)  # no cookie lives longer: what was signed out before that needs no row


def known(connection: Connection, device_id: str) -> Device | None:
    row = connection.execute(select(t.devices).where(t.devices.c.id == device_id)).one_or_none()
    return None if row is None else value_of(Device, row)


def checked(kept: Device, device: Device) -> Device:
    """The kept one, unless it is not this person's or was ended."""
    if kept.person_id != device.person_id:
        raise Conflict(OTHERS)
    if kept.ended_at is not None:
        raise Forbidden(ENDED, code="ended")
    return kept


def is_recent(kept: Device, device: Device) -> bool:
    is_same = kept.name == device.name and device.session in ("", kept.session)
    return is_same and device.seen_at - kept.seen_at < SEEN_AGAIN


def meet(connection: Connection, device: Device) -> Device:
    """Inserts the device, or notes that it was seen."""
    row = device.model_dump() | {"counter": 0, "ended_at": None}
    connection.execute(insert_into(connection, t.devices).values(row).on_conflict_do_nothing())
    seen = update(t.devices).where(t.devices.c.id == device.id, t.devices.c.person_id == device.person_id)
    session = {"session": device.session} if device.session else {}
    connection.execute(seen.values(seen_at=device.seen_at, name=device.name, **session))
    kept = known(connection, device.id)
    assert kept is not None
    return checked(kept, device)


def of_person(connection: Connection, person_id: str) -> list[Device]:
    table = t.devices
    statement = select(table).where(table.c.person_id == person_id, table.c.ended_at.is_(None))
    return many(connection, statement.order_by(table.c.seen_at.desc(), table.c.id), Device)


def end(connection: Connection, device_id: str, now: datetime, asked_by: str) -> str:
    table = t.devices
    ended = update(table).where(table.c.id == device_id).values(ended_at=now)
    row = connection.execute(ended.returning(table.c.session, table.c.person_id, table.c.seen_at)).one_or_none()
    if row is None:
        raise NotFound(NO_DEVICE)
    session, person_id, seen_at = str(row.session), row.person_id, row.seen_at
    if session and session == asked_by:
        of_session = select(table.c.id).where(table.c.person_id == person_id, table.c.session == session)
        newer = of_session.where(table.c.seen_at >= seen_at, table.c.id != device_id, table.c.ended_at.is_(None))
        if connection.execute(newer).first() is not None:
            return ""
    if session:
        sign_out(connection, session, now)
    return session


def sign_out(connection: Connection, session: str, now: datetime) -> None:
    table = t.signed_out
    connection.execute(delete(table).where(table.c.at < now - COOKIES_END))
    row = {"session": session, "at": now}
    connection.execute(insert_into(connection, table).values(row).on_conflict_do_nothing())


def has_signed_out(connection: Connection, session: str) -> bool:
    statement = select(t.signed_out.c.session).where(t.signed_out.c.session == session)
    return connection.execute(statement).first() is not None


def signed_out_since(connection: Connection, at: datetime) -> list[str]:
    return list(connection.execute(select(t.signed_out.c.session).where(t.signed_out.c.at >= at)).scalars())


def put_code(connection: Connection, code_hash: str, customer_id: str, expires_at: datetime) -> None:
    row = {"code_hash": code_hash, "customer_id": customer_id, "expires_at": expires_at}
    connection.execute(insert_into(connection, t.device_codes).values(row))


def use_code(connection: Connection, code_hash: str, now: datetime) -> str | None:
    """Takes the code away, and those that nobody used in time. None when it is unknown or too old."""
    table = t.device_codes
    connection.execute(delete(table).where(table.c.expires_at <= now))
    taken = delete(table).where(table.c.code_hash == code_hash).returning(table.c.customer_id)
    return connection.execute(taken).scalar_one_or_none()
