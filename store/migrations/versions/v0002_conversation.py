"""Conversations: streams and entries, the inbox, devices, marks, attachments."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

from store.columns import Json, UtcTime, Words
from store.migrations.before_conversations import take_over

revision = "0002"
down_revision = "0001"
SNOOZED = sa.text("state = 'snoozed'")


def upgrade() -> None:
    op.create_table(
        "devices",
        sa.Column("id", Words(), nullable=False),
        sa.Column("person_id", Words(), nullable=False),
        sa.Column("side", Words(), nullable=False),
        sa.Column("counter", sa.Integer(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_devices"),
    )
    op.create_index("ix_devices_person_id", "devices", ["person_id"], unique=False)
    op.create_table(
        "entries",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(), nullable=False),
        sa.Column("stream", Words(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("id", Words(), nullable=False),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("author", Words(), nullable=False),
        sa.Column("side", Words(), nullable=False),
        sa.Column("author_name", Words(), nullable=False),
        sa.Column("device", Words(), nullable=True),
        sa.Column("counter", sa.Integer(), nullable=True),
        sa.Column("reply_to", Words(), nullable=True),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("body", Json(), nullable=False),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.Column("gone", Words(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_entries"),
        sa.UniqueConstraint("id", "author", name="uq_entries_id_author"),
        sa.UniqueConstraint("stream", "position", name="uq_entries_stream_position"),
    )
    op.create_table(
        "house",
        sa.Column("name", Words(), nullable=False),
        sa.Column("value", Words(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_house"),
    )
    op.create_table(
        "marks",
        sa.Column("stream", Words(), nullable=False),
        sa.Column("person_id", Words(), nullable=False),
        sa.Column("side", Words(), nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("read", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "person_id", name="pk_marks"),
    )
    op.create_index("ix_marks_person_id", "marks", ["person_id"], unique=False)
    op.create_table(
        "quick_replies",
        sa.Column("id", Words(), nullable=False),
        sa.Column("shop_id", Words(), nullable=False),
        sa.Column("label", Words(), nullable=False),
        sa.Column("text", Words(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name="fk_quick_replies_shop_id"),
        sa.PrimaryKeyConstraint("id", name="pk_quick_replies"),
    )
    op.create_index("ix_quick_replies_shop_id", "quick_replies", ["shop_id"], unique=False)
    op.create_table(
        "streams",
        sa.Column("id", Words(), nullable=False),
        sa.Column("shop_id", Words(), nullable=False),
        sa.Column("head", sa.Integer(), nullable=False),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name="fk_streams_shop_id"),
        sa.PrimaryKeyConstraint("id", name="pk_streams"),
    )
    op.create_table(
        "attachments",
        sa.Column("id", Words(), nullable=False),
        sa.Column("conversation_id", Words(), nullable=False),
        sa.Column("owner", Words(), nullable=False),
        sa.Column("blob", Words(), nullable=False),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("mime", Words(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("thumb", Words(), nullable=True),
        sa.Column("wave", Json(), nullable=True),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["customers.id"], name="fk_attachments_conversation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_attachments"),
    )
    op.create_index("ix_attachments_blob", "attachments", ["blob"], unique=False)
    op.create_index("ix_attachments_conversation_id", "attachments", ["conversation_id"], unique=False)
    op.create_table(
        "conversations",
        sa.Column("id", Words(), nullable=False),
        sa.Column("shop_id", Words(), nullable=False),
        sa.Column("state", Words(), nullable=False),
        sa.Column("assignee", Words(), nullable=True),
        sa.Column("snoozed_until", UtcTime(), nullable=True),
        sa.Column("waiting_since", UtcTime(), nullable=True),
        sa.Column("last_at", UtcTime(), nullable=False),
        sa.Column("preview", Words(), nullable=False),
        sa.Column("preview_kind", Words(), nullable=False),
        sa.Column("customer_head", sa.Integer(), nullable=False),
        sa.Column("staff_head", sa.Integer(), nullable=False),
        sa.Column("staff_head_author", Words(), nullable=True),
        sa.Column("inbox_position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["customers.id"], name="fk_conversations_id"),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name="fk_conversations_shop_id"),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
    )
    op.create_index(
        "ix_conversations_shop_id_inbox_position", "conversations", ["shop_id", "inbox_position"], unique=False
    )
    op.create_index(
        "ix_conversations_shop_id_state_waiting_since",
        "conversations",
        ["shop_id", "state", "waiting_since"],
        unique=False,
    )
    op.create_index(
        "ix_conversations_snoozed_until",
        "conversations",
        ["snoozed_until"],
        unique=False,
        sqlite_where=SNOOZED,
        postgresql_where=SNOOZED,
    )
    op.create_table(
        "device_codes",
        sa.Column("code_hash", Words(), nullable=False),
        sa.Column("customer_id", Words(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_device_codes_customer_id"),
        sa.PrimaryKeyConstraint("code_hash", name="pk_device_codes"),
    )
    op.create_table(
        "profiles",
        sa.Column("customer_id", Words(), nullable=False),
        sa.Column("tags", Json(), nullable=False),
        sa.Column("preferences", Words(), nullable=False),
        sa.Column("items", Json(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_profiles_customer_id"),
        sa.PrimaryKeyConstraint("customer_id", name="pk_profiles"),
    )
    op.create_table(
        "uploads",
        sa.Column("id", Words(), nullable=False),
        sa.Column("person_id", Words(), nullable=False),
        sa.Column("conversation_id", Words(), nullable=False),
        sa.Column("sha256", Words(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["customers.id"], name="fk_uploads_conversation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
    )
    op.create_index("ix_uploads_person_id", "uploads", ["person_id"], unique=False)
    op.execute(
        sa.text("INSERT INTO house (name, value) VALUES ('epoch', :value)").bindparams(value=secrets.token_hex(8))
    )
    take_over(op.get_bind())
