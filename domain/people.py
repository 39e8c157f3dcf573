"""Shops and the people who meet there."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Language = Literal["zh-CN", "en"]
Role = Literal["clerk", "manager", "hq"]


class Service(BaseModel):
    """One thing the shop offers, used to start a booking proposal. `price` in minor units (cents, fen)."""

    model_config = ConfigDict(frozen=True)
    name: str = Field(min_length=1, max_length=80)
    name_zh: str = Field(default="", max_length=80)
    minutes: int = Field(ge=5, le=24 * 60)
    price: int = Field(ge=0, le=100_000_000)


class Shop(BaseModel):
    """`slug` is the last part of the customer's link `/s/<slug>`; `open_door` lets it in without a signed token."""

    model_config = ConfigDict(frozen=True)
    id: str
    slug: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    name: str = Field(min_length=1, max_length=80)
    name_zh: str = Field(default="", max_length=80)
    currency: str = Field(default="CNY", pattern=r"^[A-Z]{3}$")
    time_zone: str = "Asia/Shanghai"
    open_door: bool = True
    services: tuple[Service, ...] = ()


class Staff(BaseModel):
    model_config = ConfigDict(frozen=True)
    id: str
    shop_id: str
    username: str = Field(min_length=1, max_length=64)
    name: str = Field(min_length=1, max_length=80)
    role: Role = "clerk"
    password_hash: str = Field(repr=False)


class Customer(BaseModel):
    """A person who came through a link; no account, known again by the session cookie of the device."""

    model_config = ConfigDict(frozen=True)
    id: str
    shop_id: str
    name: str = Field(min_length=1, max_length=80)
    language: Language = "en"
    created_at: datetime


class LeftMessage(BaseModel):
    """What a customer left when nobody was available; `picture_blob` names the photo in the blob store."""

    model_config = ConfigDict(frozen=True)
    id: str
    shop_id: str
    customer_id: str
    name: str = Field(min_length=1, max_length=80)
    contact: str = Field(default="", max_length=120)
    text: str = Field(min_length=1, max_length=4000)
    picture_blob: str | None = None
    created_at: datetime
    done_at: datetime | None = None
    done_by: str | None = None
