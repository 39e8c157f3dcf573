"""Each command once, short, against a real server, and what it says of what cannot be done."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from loadtest.__main__ import main
from loadtest.measures import with_children
from loadtest.options import LIMITS
from loadtest.outcome import flat
from loadtest.server_process import LoupeServer, free_port

ROOT = Path(__file__).resolve().parents[2]


async def start(*given: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest", *given,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def run(*given: str) -> tuple[int, str, str]:
    process = await start(*given)
    async with asyncio.timeout(110):
        out, said = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), said.decode()


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def assert_every_limit_can_be_held_to(command: str, facts: dict[str, Any]) -> None:
    assert set(LIMITS[command]) <= set(flat(facts))


@pytest.mark.journey
@pytest.mark.alone
async def test_calls_are_measured_from_the_door_to_the_file(tmp_path: Path) -> None:
    told, shown = tmp_path / "calls.json", tmp_path / "calls.html"
    code, out, said = await run(
        "calls", "--calls", "2", "--seconds", "2", "--json", str(told), "--html", str(shown),
        "--limit", "recording.lost_share=0", "--limit", "transit_ms.p50=1000", "--limit", "first_frame_ms.p95=10000",
    )  # fmt: skip
    assert code == 0, out + said
    assert "The load goes to http://127.0.0.1:" in out
    facts = read(told)
    assert (facts["calls"], facts["calls_failed"], facts["is_partial"]) == (2, 0, False)
    for name in ("connect_ms", "first_frame_ms", "transit_ms", "chat_ms", "channel_ms"):
        assert facts[name]["count"] > 0, name
        assert 0 < facts[name]["p50"] <= facts[name]["p99"] <= facts[name]["max"]
    recording = facts["recording"]
    assert recording["frames_sent"] >= recording["frames_received"] > 50
    assert recording["frames_recorded"] >= recording["frames_received"]
    assert recording["av_sync_ms"] < 80
    assert facts["server"]["us_per_packet"] > 0
    assert facts["server"]["rss_mb"] > 10
    assert facts["messages"]["acknowledged"] > 0
    assert len(facts["limits"]) == 3
    assert_every_limit_can_be_held_to("calls", facts)
    assert shown.read_text().startswith("<!doctype html>")


@pytest.mark.journey
async def test_a_passed_limit_is_a_line_and_exit_code_1(tmp_path: Path) -> None:
    code, out, _ = await run(
        "calls", "--calls", "1", "--seconds", "1", "--no-record", "--limit", "transit_ms.p50=0.000001"
    )
    assert code == 1
    assert "Limit passed: transit_ms.p50 is " in out


@pytest.mark.journey
async def test_calls_go_through_a_bad_network() -> None:
    code, out, said = await run(
        "calls", "--calls", "1", "--seconds", "2", "--impair", "delay=20,loss=1", "--limit", "calls=1"
    )
    assert code == 0, out + said


@pytest.mark.journey
async def test_a_soak_finds_nothing_left_behind(tmp_path: Path) -> None:
    told = tmp_path / "soak.json"
    code, out, said = await run("soak", "--minutes", "0.1", "--calls", "2", "--json", str(told))
    assert code == 0, out + said
    facts = read(told)
    assert facts["calls"] > 0
    assert facts["leaks"]["is_growing"] is False
    assert_every_limit_can_be_held_to("soak", facts)


@pytest.mark.journey
async def test_a_chat_is_measured_and_nothing_is_lost(tmp_path: Path) -> None:
    told = tmp_path / "chat.json"
    code, out, said = await run(
        "chat", "--customers", "1", "--rate", "5", "--seconds", "2", "--json", str(told),
        "--limit", "messages.lost=0", "--limit", "messages.duplicated=0", "--limit", "delivery_ms.p99=5000",
    )  # fmt: skip
    assert code == 0, out + said
    assert_every_limit_can_be_held_to("chat", read(told))


@pytest.mark.journey
@pytest.mark.browser
@pytest.mark.alone
async def test_glass_to_glass_is_measured_with_real_browsers(tmp_path: Path) -> None:
    told = tmp_path / "glass.json"
    code, out, said = await run(
        "glass", "--calls", "1", "--seconds", "4", "--json", str(told), "--limit", "first_frame_ms.p95=20000"
    )
    assert code == 0, out + said
    steps = [line for line in out.splitlines() if line.startswith("glass to glass")]
    assert steps == ["glass to glass, call 1 of 1, Loupe", "glass to glass, call 1 of 1, direct"]
    facts = read(told)
    for way in ("loupe_ms", "direct_ms"):
        assert facts["glass"][way]["count"] >= 5, facts
        assert 0 < facts["glass"][way]["p50"] < 5000, facts
    assert facts["glass"]["unreadable_frames"] <= 0.1 * sum(facts["glass"]["frames"].values()), facts
    assert 0 < facts["first_picture_ms"]["p50"] < 5000, facts
    assert_every_limit_can_be_held_to("glass", facts)
    assert any("tablet within" in sentence for sentence in facts["verdict"]["sentences"])


@pytest.mark.journey
async def test_the_server_that_the_tester_names_is_the_one_under_load(tmp_path: Path) -> None:
    async with LoupeServer(tmp_path / "data") as server:
        sign_in = ["--staff-user", "lin", "--password", server.facts["password"]]
        told = tmp_path / "calls.json"
        code, out, said = await run(
            "calls", "--server", server.base, *sign_in, "--calls", "1", "--seconds", "1", "--json", str(told)
        )
        assert code == 0, out + said
        assert f"{server.base} (the server you named)" in out
        assert read(told)["server"]["us_per_packet"] > 0
        code, _, said = await run("calls", "--server", server.base, *sign_in, "--calls", "2")
        assert code == 2
        assert "ask for 1 calls at most" in said
        code, _, said = await run("calls", "--server", server.base, "--calls", "1")
        assert code == 2
        assert "--staff-user" in said


@pytest.mark.journey
async def test_a_server_that_dies_meanwhile_is_told_and_not_called_good(tmp_path: Path) -> None:
    told = tmp_path / "calls.json"
    async with LoupeServer(tmp_path / "data") as server:
        process = await start(
            "calls", "--server", server.base, "--staff-user", "lin", "--password", server.facts["password"],
            "--calls", "1", "--seconds", "3", "--json", str(told),
        )  # fmt: skip
        assert process.stdout is not None
        async with asyncio.timeout(90):
            while not (line := await process.stdout.readline()).startswith(b"1 calls flow"):
                assert line, "it ended"
            await server.kill()
            out, said = await process.communicate()
    assert b"Traceback" not in said, said
    assert process.returncode == 0, out + said
    facts = read(told)
    assert facts["verdict"]["is_good"] is False
    assert any("fault" in note for note in facts["notes"])


@pytest.mark.journey
@pytest.mark.parametrize("command", ["calls", "soak"])
async def test_ctrl_c_leaves_a_partial_report_and_no_process(tmp_path: Path, command: str) -> None:
    told = tmp_path / "partial.json"
    length = ("--seconds", "60") if command == "calls" else ("--minutes", "2")
    process = await start(command, "--calls", "1", *length, "--json", str(told))
    assert process.stdout is not None
    async with asyncio.timeout(90):
        while not (line := await process.stdout.readline()).startswith((b"1 calls flow", b"calls come and go")):
            assert line, "it ended"
        family = with_children(process.pid)
        process.send_signal(signal.SIGINT)
        out, said = await process.communicate()
    assert process.returncode == 130, said
    assert b"partial" in out
    assert read(told)["is_partial"] is True
    assert len(family) > 1
    assert not [pid for pid in family if Path(f"/proc/{pid}").exists()]


@asynccontextmanager
async def something_else() -> AsyncIterator[str]:
    """An HTTP server that is no Loupe."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_server_that_is_not_there_or_no_loupe_is_told() -> None:
    code, _, said = await run("calls", "--server", f"http://127.0.0.1:{free_port()}")
    assert code == 2
    assert "Nothing answers at" in said
    async with something_else() as url:
        code, _, said = await run("soak", "--server", url)
        assert code == 2
        assert "is not a Loupe" in said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("calls", "--server", "127.0.0.1"), "write an address such as"),
        (("calls", "--server", "http://127.0.0.1:1/staff"), "without a path"),
        (("soak", "--server", "http://[::1"), "write an address such as"),
        (("chat", "--server", "nowhere"), "write an address such as"),
        (("overload", "--calls", "0"), "at least 1"),
        (("bench", "--calls", "9000000"), "ask for"),
        (("bench", "--json", "/nowhere/at/all.json"), "cannot be written"),
        (("calls", "--limit", "speed=3"), "there is no such figure"),
        (("calls", "--calls", "9000000"), "ask for"),
        (("calls", "--calls", "0"), "at least 1"),
        (("calls", "--seconds", "-1"), "more than 0"),
        (("calls", "--impair", "luck=3"), "no impairment"),
        (("peers", "--server", "http://127.0.0.1:1"), "leave --server away"),
        (("calls", "--json", "/nowhere/at/all.json"), "cannot be written"),
        (("report", "/nowhere/a.json", "/nowhere/b.json"), "cannot be read"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence_and_exit_code_2(
    given: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refusal:
        sys.exit(main(list(given)))
    assert refusal.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())
