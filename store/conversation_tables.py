"""The tables of conversations: streams and entries, the inbox, devices, marks, attachments."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

from store.columns import Json, UtcTime, Words
from store.tables import metadata

streams = Table(
    "streams",
    metadata,
    Column("id", Words, primary_key=True),
    Column("shop_id", Words, ForeignKey("shops.id"), nullable=False),
    Column("head", Integer, nullable=False),
    Column("digest", BigInteger, nullable=False),
)

SEQUENCE = BigInteger().with_variant(Integer(), "sqlite")  # SQLite's rowid must be an INTEGER PRIMARY KEY

entries = Table(
    "entries",
    metadata,
    Column("seq", SEQUENCE, Identity(), primary_key=True),  # for the search index only: it says nothing of the order
    Column("stream", Words, nullable=False),
    Column("position", Integer, nullable=False),
    Column("id", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("author", Words, nullable=False),
    Column("side", Words, nullable=False),
    Column("author_name", Words, nullable=False),
    Column("device", Words),
    Column("counter", Integer),
    Column("reply_to", Words),
    Column("at", UtcTime, nullable=False),
    Column("body", Json, nullable=False),
    Column("digest", BigInteger, nullable=False),
    Column("gone", Words),
    UniqueConstraint("stream", "position"),
    UniqueConstraint("id", "author"),
)

SNOOZED = text("state = 'snoozed'")

conversations = Table(
    "conversations",
    metadata,
    Column("id", Words, ForeignKey("customers.id"), primary_key=True),
    Column("shop_id", Words, ForeignKey("shops.id"), nullable=False),
    Column("state", Words, nullable=False),
    Column("assignee", Words),
    Column("snoozed_until", UtcTime),
    Column("waiting_since", UtcTime),
    Column("last_at", UtcTime, nullable=False),
    Column("preview", Words, nullable=False),
    Column("preview_kind", Words, nullable=False),
    Column("customer_head", Integer, nullable=False),
    Column("staff_head", Integer, nullable=False),
    Column("staff_head_author", Words),
    Column("inbox_position", Integer, nullable=False),
    Column("inbox_digest", BigInteger, nullable=False, server_default="0"),
    Index("ix_conversations_shop_id_inbox_position", "shop_id", "inbox_position"),
    Index("ix_conversations_shop_id_state_waiting_since", "shop_id", "state", "waiting_since"),
    Index("ix_conversations_snoozed_until", "snoozed_until", sqlite_where=SNOOZED, postgresql_where=SNOOZED),
)

devices = Table(
    "devices",
    metadata,
    Column("id", Words, primary_key=True),
    Column("person_id", Words, nullable=False, index=True),
    Column("side", Words, nullable=False),
    Column("counter", Integer, nullable=False),
    Column("name", Words, nullable=False),
    Column("session", Words, nullable=False, server_default=""),  # of the cookie that it last came with
    Column("made_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
)

signed_out = Table(
    "signed_out",
    metadata,
    Column("session", Words, primary_key=True),
    Column("at", UtcTime, nullable=False, index=True),
)

marks = Table(
    "marks",
    metadata,
    Column("stream", Words, nullable=False),
    Column("person_id", Words, nullable=False, index=True),
    Column("side", Words, nullable=False),
    Column("delivered", Integer, nullable=False),
    Column("read", Integer, nullable=False),
    PrimaryKeyConstraint("stream", "person_id"),
)

house = Table(
    "house",
    metadata,
    Column("name", Words, primary_key=True),  # `epoch`: 16 random hexadecimal digits, new after a restore
    Column("value", Words, nullable=False),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", Words, primary_key=True),
    Column("person_id", Words, nullable=False, index=True),
    Column("conversation_id", Words, ForeignKey("customers.id"), nullable=False),
    Column("sha256", Words, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("name", Words, nullable=False),
    Column("made_at", UtcTime, nullable=False),
)

UNUSED = text("uses = 0")

attachments = Table(
    "attachments",
    metadata,
    Column("id", Words, primary_key=True),
    Column("conversation_id", Words, ForeignKey("customers.id"), nullable=False, index=True),
    Column("owner", Words, nullable=False),
    Column("blob", Words, nullable=False, index=True),
    Column("kind", Words, nullable=False),
    Column("mime", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("seconds", Float),
    Column("thumb", Words, index=True),
    Column("wave", Json),
    Column("made_at", UtcTime, nullable=False),
    Column("uses", Integer, nullable=False, server_default="0"),  # entries that name it
    Index("ix_attachments_made_at", "made_at", sqlite_where=UNUSED, postgresql_where=UNUSED),
)

device_codes = Table(
    "device_codes",
    metadata,
    Column("code_hash", Words, primary_key=True),
    Column("customer_id", Words, ForeignKey("customers.id"), nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)

profiles = Table(
    "profiles",
    metadata,
    Column("customer_id", Words, ForeignKey("customers.id"), primary_key=True),
    Column("tags", Json, nullable=False),
    Column("preferences", Words, nullable=False),
    Column("items", Json, nullable=False),
    Column("version", Integer, nullable=False, server_default=text("0")),
    Column("changed_at", UtcTime),
    Column("changed_by", Words),  # the name of who did
)

quick_replies = Table(
    "quick_replies",
    metadata,
    Column("id", Words, primary_key=True),
    Column("shop_id", Words, ForeignKey("shops.id"), nullable=False, index=True),
    Column("label", Words, nullable=False),
    Column("text", Words, nullable=False),
)

erasures = Table(
    "erasures",
    metadata,
    Column("id", Words, primary_key=True),
    Column("customer_id", Words, ForeignKey("customers.id"), nullable=False, index=True),
    Column("shop_id", Words, ForeignKey("shops.id"), nullable=False),
    Column("by", Words, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("files", Integer, nullable=False),
    Column("calls", Json, nullable=False),
    Column("uploads", Json, nullable=False),
    Column("blobs", Json, nullable=False),
    Column("done_at", UtcTime),
)
