"""How a server and its media workers talk: JSON lines with an optional block of bytes, over a socket pair of their own.

JSON and not pickle: a worker reads what strangers send, and must not be able to run code in the server if it falls.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

from signaling.node import (
    ChannelClosed,
    ChannelOpen,
    ChannelText,
    FinishedRecording,
    NodeEvent,
    PeerBack,
    PeerClosed,
    PeerConnected,
    PeerLost,
    Plan,
    RecordingTrouble,
)

MAX_BLOB_BYTES = 64 * 1024 * 1024
plans: TypeAdapter[Plan] = TypeAdapter(Plan)
finished: TypeAdapter[FinishedRecording] = TypeAdapter(FinishedRecording)
EVENTS: dict[str, type[NodeEvent]] = {
    kind.__name__: kind
    for kind in (
        PeerConnected, PeerLost, PeerBack, PeerClosed, ChannelOpen, ChannelText, ChannelClosed, RecordingTrouble,
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """What a media node needs to know: where to listen (`port` 0: any), what to advertise, where journals go, whether
    the native pump may be used."""

    host: str
    port: int
    advertise: tuple[tuple[str, int], ...]
    journals: str
    is_native: bool = True


options: TypeAdapter[NodeOptions] = TypeAdapter(NodeOptions)


def event_fields(event: NodeEvent) -> dict[str, Any]:
    return {"event": type(event).__name__, "fields": asdict(event)}


def event_of(message: dict[str, Any]) -> NodeEvent:
    return EVENTS[message["event"]](**message["fields"])


class Pipe:
    """One end. `write` never waits: the kernel's buffer plus the transport's own hold what a stalled reader leaves."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def write(self, message: dict[str, Any], blob: bytes = b"") -> None:
        body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        self._writer.write(len(body).to_bytes(4, "big") + len(blob).to_bytes(4, "big") + body + blob)

    async def read(self) -> tuple[dict[str, Any], bytes] | None:
        """The next message; None when the other end is gone."""
        try:
            head = await self._reader.readexactly(8)
            body_size, blob_size = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")
            if body_size > MAX_BLOB_BYTES or blob_size > MAX_BLOB_BYTES:
                return None
            body = await self._reader.readexactly(body_size)
            blob = await self._reader.readexactly(blob_size) if blob_size else b""
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return json.loads(body), blob

    async def drained_and_closed(self) -> None:
        """What was written still goes out, if somebody is there to read it."""
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(2.0):
                await self._writer.wait_closed()

    def close(self) -> None:
        self._writer.close()
