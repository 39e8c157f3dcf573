"""Every setting of a server, read once (environment `LOUPE_*`, then the command line) and checked at start, all faults at once."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]
WEB_DIST = Path(__file__).resolve().parent.parent / "web" / "dist"


class Settings(BaseSettings):
    """`docs/operations.md` lists each field; a test holds the two together."""

    model_config = SettingsConfigDict(env_prefix="LOUPE_", extra="forbid")

    host: str = Field(
        default="",
        description="Address to listen on. Empty: plain HTTP on this machine only, HTTPS and media on every address.",
    )
    port: Port = Field(default=8080, description="Plain HTTP port; 0 takes a free one.")
    tls_port: Port | None = Field(
        default=None, description="HTTPS port. Unset: 8443 when `host` is empty, none otherwise. 0 takes a free one."
    )
    media_port: Port = Field(default=40000, description="The one UDP port for media; worker n uses port + n. 0: free.")
    media_advertise: str = Field(
        default="",
        description="HOST:PORT put into the ICE candidates instead of the own addresses, for port forwarding.",
    )
    data: Path = Field(default=Path("data"), description="Folder of everything kept: database, blobs, journals, keys.")
    database_url: str = Field(
        default="", description="`sqlite:///PATH` or `postgresql://...`. Empty: SQLite in the data folder."
    )
    public_url: str = Field(
        default="", description="The address customers open, e.g. `https://call.example.com`, behind a proxy."
    )
    node_url: str = Field(
        default="",
        description="With several servers on one PostgreSQL: where the others reach this one, e.g. `http://10.0.0.5:8080`.",
    )
    redis_url: str = Field(
        default="",
        repr=False,
        description="`redis://[:PASSWORD@]HOST:PORT`: what is new travels between several servers at once, not in seconds.",
    )
    workers: int = Field(
        default=0,
        ge=0,
        le=64,
        description="Media worker processes; `auto`: one per core. 0: media runs in the server's own process.",
    )
    native: bool = Field(
        default=True,
        description="Ordinary packets go through the native pump where it is built. `false`: all of them through Python.",
    )
    turn_urls: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="TURN addresses for browsers, separated by commas, e.g. `turn:turn.example.com:3478`."
    )
    turn_secret: str = Field(default="", repr=False, description="coturn's `static-auth-secret` (REST credentials).")
    link_days: int = Field(default=30, ge=1, le=3650, description="Days for which a customer's signed link is good.")
    web_dist: Path = Field(default=WEB_DIST, description="The built pages.")
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$", description="How much is logged.")

    @field_validator("node_url")
    @classmethod
    def _one_of_several(cls, value: str, others: ValidationInfo) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError(f"{value!r} is no address; give one such as http://10.0.0.5:8080")
        if value and not str(others.data.get("database_url", "")).startswith(("postgresql://", "postgres://")):
            raise ValueError("several servers need one PostgreSQL: set LOUPE_DATABASE_URL")
        if value and not others.data.get("public_url"):
            raise ValueError("several servers need the one address that customers open: set LOUPE_PUBLIC_URL")
        return value.rstrip("/")

    @field_validator("redis_url")
    @classmethod
    def _joins_servers(cls, value: str, others: ValidationInfo) -> str:
        if value and not others.data.get("node_url"):
            raise ValueError("Redis joins several servers; one needs none. Set LOUPE_NODE_URL, too, or leave this out")
        return value

    @field_validator("turn_urls", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("workers", mode="before")
    @classmethod
    def _per_core(cls, value: object) -> object:
        return min(len(os.sched_getaffinity(0)), 64) if value == "auto" else value

    @field_validator("host")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and value != "localhost":
            try:
                ip_address(value)
            except ValueError:
                raise ValueError(f"{value!r} is no IP address; give one such as 127.0.0.1 or 0.0.0.0") from None
        return value

    @field_validator("media_advertise")
    @classmethod
    def _advertised(cls, value: str) -> str:
        if value:
            host, colon, port = value.rpartition(":")
            if not colon or not port.isdigit() or not 0 < int(port) < 65536:
                raise ValueError(f"{value!r} must be HOST:PORT, e.g. 203.0.113.7:40000")
            try:
                ip_address(host.strip("[]"))
            except ValueError:
                raise ValueError(f"{host!r} must be an IP address: browsers need one in ICE candidates") from None
        return value

    @property
    def advertised(self) -> list[tuple[str, int]] | None:
        if not self.media_advertise:
            return None
        host, _, port = self.media_advertise.rpartition(":")
        return [(host.strip("[]"), int(port))]

    @property
    def http_host(self) -> str:
        return self.host or "127.0.0.1"

    @property
    def open_host(self) -> str:
        """Where HTTPS and media listen."""
        return self.host or "0.0.0.0"

    @property
    def https_port(self) -> int | None:
        if self.tls_port is not None:
            return self.tls_port
        return None if self.host else 8443

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data.resolve() / 'loupe.sqlite'}"
