"""The tables as they are now. `store/migrations` makes them; a test holds the two together."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

from store.columns import Json, UtcTime, Words

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

shops = Table(
    "shops",
    metadata,
    Column("id", Words, primary_key=True),
    Column("slug", Words, nullable=False, unique=True),
    Column("name", Words, nullable=False),
    Column("name_zh", Words, nullable=False),
    Column("currency", Words, nullable=False),
    Column("time_zone", Words, nullable=False),
    Column("open_door", Boolean, nullable=False),
    Column("services", Json, nullable=False),
)

staff = Table(
    "staff",
    metadata,
    Column("id", Words, primary_key=True),
    Column("shop_id", Words, ForeignKey("shops.id"), nullable=False, index=True),
    Column("username", Words, nullable=False),
    Column("username_key", Words, nullable=False, unique=True),  # see store.people.username_key
    Column("name", Words, nullable=False),
    Column("role", Words, nullable=False),
    Column("password_hash", Words, nullable=False),
)

customers = Table(
    "customers",
    metadata,
    Column("id", Words, primary_key=True),
    Column("shop_id", Words, ForeignKey("shops.id"), nullable=False, index=True),
    Column("name", Words, nullable=False),
    Column("language", Words, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

left_messages = Table(
    "left_messages",
    metadata,
    Column("id", Words, primary_key=True),
    Column("shop_id", Words, ForeignKey("shops.id"), nullable=False),
    Column("customer_id", Words, ForeignKey("customers.id"), nullable=False, index=True),
    Column("name", Words, nullable=False),
    Column("contact", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("picture_blob", Words),
    Column("created_at", UtcTime, nullable=False),
    Column("done_at", UtcTime),
    Column("done_by", Words),
    Index("ix_left_messages_shop_id_created_at", "shop_id", "created_at"),
)

OPEN = text("state IN ('waiting', 'ringing', 'live')")

calls = Table(
    "calls",
    metadata,
    Column("id", Words, primary_key=True),
    Column("shop_id", Words, ForeignKey("shops.id"), nullable=False),
    Column("customer_id", Words, ForeignKey("customers.id"), nullable=False),
    Column("customer_name", Words, nullable=False),
    Column("matter", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("staff_ids", Json, nullable=False),
    Column("invited_ids", Json, nullable=False),
    Column("held", Boolean, nullable=False),
    Column("consent", Boolean, nullable=False),
    Column("recording_paused", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("answered_at", UtcTime),
    Column("live_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("end_reason", Words),
    Column("customer_gone_at", UtcTime),
    Column("staff_gone_at", UtcTime),
    Column("note", Words, nullable=False),
    Column("head", Integer, nullable=False, server_default=text("0")),  # position of the last event
    Index("ix_calls_shop_id_created_at", "shop_id", "created_at"),
    Index("ix_calls_customer_id_created_at", "customer_id", "created_at"),
    Index("ix_calls_one_open_per_customer", "customer_id", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),
)

events = Table(
    "events",
    metadata,
    Column("call_id", Words, ForeignKey("calls.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("kind", Words, nullable=False),
    Column("cmid", Words, nullable=False),
    Column("author", Words, nullable=False),
    Column("side", Words, nullable=False),
    Column("author_name", Words, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("body", Json, nullable=False),
    PrimaryKeyConstraint("call_id", "position"),
    UniqueConstraint("call_id", "author", "cmid"),
)

watermarks = Table(
    "watermarks",
    metadata,
    Column("call_id", Words, ForeignKey("calls.id"), nullable=False),
    Column("person_id", Words, nullable=False),
    Column("delivered", Integer, nullable=False),
    Column("read", Integer, nullable=False),
    PrimaryKeyConstraint("call_id", "person_id"),
)

bookings = Table(
    "bookings",
    metadata,
    Column("id", Words, primary_key=True),
    Column("shop_id", Words, ForeignKey("shops.id"), nullable=False, index=True),
    Column("call_id", Words, ForeignKey("calls.id"), nullable=False, index=True),
    Column("customer_id", Words, ForeignKey("customers.id"), nullable=False, index=True),
    Column("service", Words, nullable=False),
    Column("starts_at", UtcTime, nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("price", Integer, nullable=False),
    Column("currency", Words, nullable=False),
    Column("note", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("proposed_by", Words, nullable=False),
    Column("proposed_at", UtcTime, nullable=False),
    Column("answered_at", UtcTime),
)

pictures = Table(
    "pictures",
    metadata,
    Column("id", Words, primary_key=True),
    Column("call_id", Words, ForeignKey("calls.id"), nullable=False, index=True),
    Column("taken_by", Words, nullable=False),
    Column("taken_at", UtcTime, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("source", Words, nullable=False),
    Column("blob", Words, nullable=False),
    Column("strokes", Json, nullable=False),
)

recordings = Table(
    "recordings",
    metadata,
    Column("call_id", Words, ForeignKey("calls.id"), primary_key=True),
    Column("state", Words, nullable=False),
    Column("started_at", UtcTime),
    Column("duration_s", Float, nullable=False),
    Column("files", Json, nullable=False),
    Column("tracks", Json, nullable=False),
)
