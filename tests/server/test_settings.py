"""Settings: all faults at once, in sentences."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from server.settings import Settings

LOUPE = str(Path(sys.executable).parent / "loupe")


def test_all_faults_are_told_at_once_with_the_name_of_the_option() -> None:
    done = subprocess.run(
        [LOUPE, "serve", "--host", "example", "--port", "70000", "--media-advertise", "nowhere"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    for name in ("--host", "--port", "--media-advertise"):
        assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_no_host_means_plain_http_for_this_machine_only_and_tls_for_all() -> None:
    settings = Settings()
    assert (settings.http_host, settings.open_host, settings.https_port) == ("127.0.0.1", "0.0.0.0", 8443)
    assert Settings(host="127.0.0.1").https_port is None


def test_turn_addresses_come_as_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOUPE_TURN_URLS", "turn:a:3478, turns:b:5349")
    assert Settings().turn_urls == ("turn:a:3478", "turns:b:5349")


def test_an_unusable_advertised_address_is_refused() -> None:
    for text in ("1.2.3.4", "1.2.3.4:0", "shop.example:40000"):
        with pytest.raises(ValidationError):
            Settings(media_advertise=text)


def test_a_worker_per_core_or_a_number_or_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOUPE_WORKERS", "auto")
    assert Settings().workers == len(os.sched_getaffinity(0))
    monkeypatch.setenv("LOUPE_WORKERS", "3")
    assert Settings().workers == 3
    monkeypatch.setenv("LOUPE_WORKERS", "many")
    with pytest.raises(ValidationError):
        Settings()


def test_several_servers_need_what_they_share() -> None:
    shared: dict[str, Any] = {"database_url": "postgresql://loupe@db/loupe", "public_url": "https://call.example.com"}
    several = Settings(node_url="http://10.0.0.5:8080/", redis_url="redis://10.0.0.9", **shared)
    assert (several.node_url, several.redis_url) == ("http://10.0.0.5:8080", "redis://10.0.0.9")
    for missing in shared:
        with pytest.raises(ValidationError):
            Settings(node_url="http://10.0.0.5:8080", **{name: v for name, v in shared.items() if name != missing})
    with pytest.raises(ValidationError):
        Settings(node_url="10.0.0.5:8080", **shared)
    with pytest.raises(ValidationError):
        Settings(redis_url="redis://10.0.0.9", **shared)
