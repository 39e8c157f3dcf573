"""From a text to a request: what is too long, what is no frame, and the `ref` to answer under even so."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from domain.errors import Invalid, TooLarge
from signaling.protocol import MAX_FRAME_BYTES


def understood(adapter: TypeAdapter[Any], text: str) -> Any:
    """Raises TooLarge, or pydantic's ValidationError."""
    if len(text) > MAX_FRAME_BYTES or len(text.encode("utf-8", "replace")) > MAX_FRAME_BYTES:
        raise TooLarge(f"A frame holds at most {MAX_FRAME_BYTES} bytes. Send less at once.")
    return adapter.validate_json(text)


def misunderstood(fault: ValidationError) -> Invalid:
    """Says what is wrong first, never what was in it. The first part of a place is the frame's type."""
    first = fault.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return Invalid(f"This frame cannot be understood: {where + ': ' if where else ''}{first['msg'][:300]}.")


def ref_in(text: str) -> str | None:
    """The `ref` of a frame that is refused, when it has one that can be given back."""
    ref = _field(text, "ref")
    return ref if isinstance(ref, str) and 0 < len(ref) <= 64 and ref.isprintable() else None


def type_in(text: str) -> str:
    return str(_field(text, "type"))


def _field(text: str, name: str) -> object:
    if len(text) > MAX_FRAME_BYTES:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found.get(name) if isinstance(found, dict) else None
