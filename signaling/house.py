"""What every room of `signaling` is handed: the stores, the media node, the clock, and the few settings it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from domain.attachment import MAX_BYTES, QUOTA_BYTES, AttachmentStore
from domain.conversation_ports import ConversationStore
from domain.customer_data import CustomerData
from domain.ports import BlobStore, CallStore, PeopleStore
from domain.profile import ProfileStore
from domain.quick_reply import QuickReplyStore
from domain.search import SearchStore
from signaling.node import MediaNode


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """`public_urls`: every origin that pages may come from, e.g. `http://localhost:8080`; the first is used in links.

    `secret` signs cookies and links (at least 32 bytes). `turn_urls` with `turn_secret` are coturn's REST scheme.
    """

    public_urls: tuple[str, ...]
    secret: bytes
    web_dist: Path
    scratch: Path
    turn_urls: tuple[str, ...] = ()
    turn_secret: str = ""
    turn_ttl_s: int = 6 * 3600
    relay_only: bool = False
    link_days: int = 30
    max_upload_bytes: int = 20 * 1024 * 1024
    max_attachment_bytes: int = MAX_BYTES
    conversation_quota_bytes: int = QUOTA_BYTES
    rejoin_window_s: float = 60.0


@dataclass(frozen=True, slots=True)
class House:
    people: PeopleStore
    calls: CallStore
    conversations: ConversationStore
    profiles: ProfileStore
    quick_replies: QuickReplyStore
    blobs: BlobStore
    node: MediaNode
    settings: DoorSettings
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    attachments: AttachmentStore | None = None  # without it, conversations take no files
    search: SearchStore | None = None
    data: CustomerData | None = None
