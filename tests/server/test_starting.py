"""A server that cannot start says why in one sentence and ends with 1; what can be healed is healed."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtest.server_process import LoupeServer
from server.certificate import tls_context

LOUPE = str(Path(sys.executable).parent / "loupe")


@pytest.fixture
def taken_ports() -> Iterator[tuple[int, int]]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound,
    ):
        for sock in (listening, bound):
            sock.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1], bound.getsockname()[1]


def refused(data: Path, *options: str) -> str:
    """What a server that does not start said; asserts that it was one sentence and exit code 1."""
    typed = [LOUPE, "serve", "--demo", "--json", "--host", "127.0.0.1", "--data", str(data), *options]
    if "--port" not in options:
        typed += ["--port", "0"]
    if "--media-port" not in options:
        typed += ["--media-port", "0"]
    done = subprocess.run(typed, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    said = [line for line in done.stderr.splitlines() if not line.startswith("timestamp=")]
    assert len(said) == 1, done.stderr
    assert said[0].startswith("Loupe cannot start. ")
    return said[0]


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_taken_media_port_is_named(tmp_path: Path, taken_ports: tuple[int, int], workers: str) -> None:
    said = refused(tmp_path, "--media-port", str(taken_ports[1]), "--workers", workers)
    assert str(taken_ports[1]) in said


def test_a_taken_http_port_is_named_with_the_option_that_changes_it(
    tmp_path: Path, taken_ports: tuple[int, int]
) -> None:
    said = refused(tmp_path, "--port", str(taken_ports[0]))
    assert str(taken_ports[0]) in said
    assert "--port" in said


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"a file")
    assert "--data" in refused(tmp_path / "data")
    assert "--data" in refused(tmp_path / "data" / "below")


def test_a_damaged_key_is_named_with_what_deleting_it_costs(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"short")
    assert "sign in again" in refused(tmp_path)


def test_a_damaged_database_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "loupe.sqlite").write_bytes(b"no database" * 500)
    assert "backup" in refused(tmp_path)
    assert (tmp_path / "loupe.sqlite").read_bytes() == b"no database" * 500


async def test_a_damaged_demo_sign_in_is_made_anew_in_an_empty_shop_and_named_in_a_full_one(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "demo.json").write_text("{cut o")
    async with LoupeServer(data) as server:
        assert len(server.facts["password"]) > 8
    assert json.loads((data / "demo.json").read_text())["password"] == server.facts["password"]
    (data / "demo.json").write_text("[]")
    assert "demo.json" in refused(data)


@pytest.mark.parametrize("damaged", ["names.json", "server.pem", "authority.pem", "authority.key"])
def test_a_damaged_certificate_is_made_again(tmp_path: Path, damaged: str) -> None:
    tls_context(tmp_path)
    (tmp_path / damaged).write_bytes(b"\xff{ not what it was")
    if damaged.startswith("authority"):
        (tmp_path / "names.json").unlink()  # the machine's address changed: the authority is needed again
    assert tls_context(tmp_path).get_ca_certs() == []
    again = (tmp_path / "server.pem").read_bytes()
    tls_context(tmp_path)
    assert (tmp_path / "server.pem").read_bytes() == again
