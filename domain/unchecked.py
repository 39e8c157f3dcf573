"""Values of the domain made of fields that are known to be right: by hundreds for each commit, pydantic's checks and its
`model_copy` cost more than all that is decided about them."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)
_set = object.__setattr__


def unchecked(model: type[M], fields: dict[str, Any]) -> M:
    """`fields` are all of them, by name and of their types; the value keeps this dict. Not for models with extra or private
    fields."""
    value = model.__new__(model)
    _set(value, "__dict__", fields)
    _set(value, "__pydantic_fields_set__", _names(model))
    _set(value, "__pydantic_extra__", None)
    _set(value, "__pydantic_private__", None)
    return value


@cache
def _names(model: type[BaseModel]) -> set[str]:
    return set(model.model_fields)


def changed(value: M, change: dict[str, Any]) -> M:
    """A copy with these fields instead."""
    return unchecked(type(value), value.__dict__ | change)
