"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic_core import to_json
from sqlalchemy import JSON, BigInteger, DateTime, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from domain.errors import Invalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# PostgreSQL cannot hold U+0000 in text or JSON; both stores refuse it, so that no database is the stricter one.
_NUL_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_UNPRINTABLE = "This text holds a character that cannot be kept. Remove it and send again."


class UtcTime(TypeDecorator[datetime]):
    """A moment, to the microsecond, aware and in UTC on the way out. Without a time zone it is refused (Invalid)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":  # it has no time type: microseconds since 1970 sort and compare as they should
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.utcoffset() is None:
            raise Invalid("A time needs a time zone, e.g. 2027-01-31T15:00:00+08:00.")
        moment = value.astimezone(UTC)  # OverflowError (refused) for what could be written and never read again
        return (moment - _EPOCH) // _MICROSECOND if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return _EPOCH + timedelta(microseconds=int(value))


class Words(TypeDecorator[str]):
    """Text that people or programs wrote. What Unicode cannot encode, and U+0000, is refused (Invalid)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None:
            check_words(value)
        return value


def check_words(value: str) -> None:
    """Raises Invalid for what one of the databases cannot hold."""
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as fault:
            raise Invalid(_UNPRINTABLE) from fault
    if "\x00" in value:
        raise Invalid(_UNPRINTABLE)


class Json(TypeDecorator[Any]):
    """Plain JSON values. `dump_json` is the engine's serializer and refuses what one of the databases cannot hold."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(JSONB() if dialect.name == "postgresql" else JSON())


def has_only_words(value: Any) -> bool:
    """As most bodies: no number that JSON does not know, nothing nested."""
    return type(value) is dict and all(type(each) is str for each in value.values())


def dump_json(value: Any) -> str:
    """Raises Invalid for NaN and infinity, for U+0000, for lone surrogates, and for what is not JSON."""
    try:
        if has_only_words(value):
            text = to_json(value).decode()
        else:
            text = _encoder.encode(value)
            if not text.isascii():
                text.encode()
    except (ValueError, TypeError) as fault:
        raise Invalid(_UNPRINTABLE) from fault
    if "\\u0000" in text and _NUL_ESCAPE.search(text):
        raise Invalid(_UNPRINTABLE)
    return text
