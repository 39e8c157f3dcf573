"""The call: shops, people, calls and what they leave behind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import Json, UtcTime, Words

revision = "0001"
down_revision = None
OPEN = sa.text("state IN ('waiting', 'ringing', 'live')")


def upgrade() -> None:
    op.create_table(
        "shops",
        sa.Column("id", Words(), nullable=False),
        sa.Column("slug", Words(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("name_zh", Words(), nullable=False),
        sa.Column("currency", Words(), nullable=False),
        sa.Column("time_zone", Words(), nullable=False),
        sa.Column("open_door", sa.Boolean(), nullable=False),
        sa.Column("services", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shops"),
        sa.UniqueConstraint("slug", name="uq_shops_slug"),
    )
    op.create_table(
        "customers",
        sa.Column("id", Words(), nullable=False),
        sa.Column("shop_id", Words(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("language", Words(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name="fk_customers_shop_id"),
        sa.PrimaryKeyConstraint("id", name="pk_customers"),
    )
    op.create_index("ix_customers_shop_id", "customers", ["shop_id"], unique=False)
    op.create_table(
        "staff",
        sa.Column("id", Words(), nullable=False),
        sa.Column("shop_id", Words(), nullable=False),
        sa.Column("username", Words(), nullable=False),
        sa.Column("username_key", Words(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("role", Words(), nullable=False),
        sa.Column("password_hash", Words(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name="fk_staff_shop_id"),
        sa.PrimaryKeyConstraint("id", name="pk_staff"),
        sa.UniqueConstraint("username_key", name="uq_staff_username_key"),
    )
    op.create_index("ix_staff_shop_id", "staff", ["shop_id"], unique=False)
    op.create_table(
        "calls",
        sa.Column("id", Words(), nullable=False),
        sa.Column("shop_id", Words(), nullable=False),
        sa.Column("customer_id", Words(), nullable=False),
        sa.Column("customer_name", Words(), nullable=False),
        sa.Column("matter", Words(), nullable=False),
        sa.Column("state", Words(), nullable=False),
        sa.Column("staff_ids", Json(), nullable=False),
        sa.Column("invited_ids", Json(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("consent", sa.Boolean(), nullable=False),
        sa.Column("recording_paused", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("answered_at", UtcTime(), nullable=True),
        sa.Column("live_at", UtcTime(), nullable=True),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("end_reason", Words(), nullable=True),
        sa.Column("customer_gone_at", UtcTime(), nullable=True),
        sa.Column("staff_gone_at", UtcTime(), nullable=True),
        sa.Column("note", Words(), nullable=False),
        sa.Column("head", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_calls_customer_id"),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name="fk_calls_shop_id"),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
    )
    op.create_index(
        "ix_calls_one_open_per_customer",
        "calls",
        ["customer_id"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index("ix_calls_shop_id_created_at", "calls", ["shop_id", "created_at"], unique=False)
    op.create_table(
        "left_messages",
        sa.Column("id", Words(), nullable=False),
        sa.Column("shop_id", Words(), nullable=False),
        sa.Column("customer_id", Words(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("contact", Words(), nullable=False),
        sa.Column("text", Words(), nullable=False),
        sa.Column("picture_blob", Words(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("done_at", UtcTime(), nullable=True),
        sa.Column("done_by", Words(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_left_messages_customer_id"),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name="fk_left_messages_shop_id"),
        sa.PrimaryKeyConstraint("id", name="pk_left_messages"),
    )
    op.create_index("ix_left_messages_customer_id", "left_messages", ["customer_id"], unique=False)
    op.create_index("ix_left_messages_shop_id_created_at", "left_messages", ["shop_id", "created_at"], unique=False)
    op.create_table(
        "bookings",
        sa.Column("id", Words(), nullable=False),
        sa.Column("shop_id", Words(), nullable=False),
        sa.Column("call_id", Words(), nullable=False),
        sa.Column("customer_id", Words(), nullable=False),
        sa.Column("service", Words(), nullable=False),
        sa.Column("starts_at", UtcTime(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("price", sa.Integer(), nullable=False),
        sa.Column("currency", Words(), nullable=False),
        sa.Column("note", Words(), nullable=False),
        sa.Column("state", Words(), nullable=False),
        sa.Column("proposed_by", Words(), nullable=False),
        sa.Column("proposed_at", UtcTime(), nullable=False),
        sa.Column("answered_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_bookings_call_id"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_bookings_customer_id"),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name="fk_bookings_shop_id"),
        sa.PrimaryKeyConstraint("id", name="pk_bookings"),
    )
    op.create_index("ix_bookings_call_id", "bookings", ["call_id"], unique=False)
    op.create_index("ix_bookings_customer_id", "bookings", ["customer_id"], unique=False)
    op.create_index("ix_bookings_shop_id", "bookings", ["shop_id"], unique=False)
    op.create_table(
        "events",
        sa.Column("call_id", Words(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("cmid", Words(), nullable=False),
        sa.Column("author", Words(), nullable=False),
        sa.Column("side", Words(), nullable=False),
        sa.Column("author_name", Words(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("body", Json(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_events_call_id"),
        sa.PrimaryKeyConstraint("call_id", "position", name="pk_events"),
        sa.UniqueConstraint("call_id", "author", "cmid", name="uq_events_call_id_author_cmid"),
    )
    op.create_table(
        "pictures",
        sa.Column("id", Words(), nullable=False),
        sa.Column("call_id", Words(), nullable=False),
        sa.Column("taken_by", Words(), nullable=False),
        sa.Column("taken_at", UtcTime(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("source", Words(), nullable=False),
        sa.Column("blob", Words(), nullable=False),
        sa.Column("strokes", Json(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_pictures_call_id"),
        sa.PrimaryKeyConstraint("id", name="pk_pictures"),
    )
    op.create_index("ix_pictures_call_id", "pictures", ["call_id"], unique=False)
    op.create_table(
        "recordings",
        sa.Column("call_id", Words(), nullable=False),
        sa.Column("state", Words(), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=True),
        sa.Column("duration_s", sa.Float(), nullable=False),
        sa.Column("files", Json(), nullable=False),
        sa.Column("tracks", Json(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_recordings_call_id"),
        sa.PrimaryKeyConstraint("call_id", name="pk_recordings"),
    )
    op.create_table(
        "watermarks",
        sa.Column("call_id", Words(), nullable=False),
        sa.Column("person_id", Words(), nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("read", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_watermarks_call_id"),
        sa.PrimaryKeyConstraint("call_id", "person_id", name="pk_watermarks"),
    )
