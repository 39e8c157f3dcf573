from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from loadtest import janus, peers, sheets
from loadtest.clients import Client
from loadtest.clip import make_clip
from loadtest.janus import janus_calls, library_folder
from loadtest.paused import Paired, Spent
from loadtest.standing import Standing
from loadtest.stock_calls import stock_calls
from loadtest.target import CannotLoad


@pytest.mark.journey
async def test_each_server_gets_the_same_calls_and_its_cost_is_told() -> None:
    told: list[str] = []
    run = peers.PeersRun(1, 1.0, 3, told.append)
    assert run.facts()["peers"] == []
    await run.run()
    facts: dict[str, Any] = run.facts()
    is_there = library_folder() is not None
    names = [peers.RECORDING, peers.PLAIN, *([peers.JANUS] if is_there else []), peers.STOCK]
    assert [peer["name"] for peer in facts["peers"]] == names
    for peer in facts["peers"]:
        assert peer["us_per_packet"] > 0
        assert peer["calls_per_core"] > 0
        assert peer["rss_mb"] > 5
        assert peer["connect_ms"]["count"] == 2
        assert peer["first_frame_ms"]["count"] == 2
        assert peer["name"] in " ".join(told)
        if peer["name"] != peers.STOCK:
            assert peer["transit_ms"]["p50"] > 0
    assert facts["ratios"]["calls_per_core_to_aiortc"] > 1
    assert "while the recordings of the same calls were paused" in " ".join(facts["notes"])
    assert (janus.MISSING in facts["notes"]) is not is_there
    assert (janus.MISSING in told) is not is_there
    assert [gone["name"] for gone in facts["missing"]] == ([] if is_there else [peers.JANUS])
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert [row[0] for row in sheets.peers_sheet(facts).rows] == names


def test_without_janus_the_run_says_so_and_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert library_folder() is None
    facts = peers.facts_of(
        [measured(name) for name in (peers.RECORDING, peers.PLAIN, peers.STOCK)], is_janus_missing=True
    )
    assert facts["missing"] == [{"name": peers.JANUS, "why": janus.MISSING}]
    assert "apt-get install janus" in janus.MISSING
    assert isinstance(facts["notes"], list)
    assert janus.MISSING in facts["notes"]
    assert isinstance(facts["ratios"], dict)
    assert "calls_per_core_to_janus" not in facts["ratios"]


@pytest.mark.parametrize("calls", [0, 10_000_000])
async def test_what_this_machine_cannot_carry_is_refused_before_anything_starts(calls: int) -> None:
    told: list[str] = []
    with pytest.raises(CannotLoad, match="--calls"):
        await peers.PeersRun(calls, 1.0, 1, told.append).run()
    assert not told


def measured(name: str, *, cpu_s: float = 1.0, tester_s: float = 1.0, others_s: float = 0.0) -> peers.Measured:
    return peers.Measured(
        name, 10, stock_calls, seconds=10.0, packets=20_000, sent=20_000, server_cpu_s=cpu_s, client_cpu_s=tester_s,
        others_cpu_s=others_s, turns_us=[cpu_s * 50],
    )  # fmt: skip


def test_ratios_say_how_many_times_more_calls_a_core_carries() -> None:
    results = [
        measured(peers.RECORDING, cpu_s=1.1), measured(peers.PLAIN), measured(peers.JANUS, cpu_s=3.3), measured(peers.STOCK, cpu_s=110.0)
    ]  # fmt: skip
    results[0].paired = Paired(recording=Spent(1.1, 20_000), paused=Spent(1.0, 20_000))
    facts = peers.facts_of(results, is_janus_missing=False)
    assert facts["ratios"] == {
        "recording_costs": 0.1,
        "calls_per_core_to_janus": 3.0,
        "calls_per_core_to_aiortc": 100.0,
    }
    ours = results[0].facts()
    assert (ours["us_per_packet"], ours["calls_per_core"], ours["packets_per_s"]) == (55.0, 90.9, 2000.0)


@pytest.mark.parametrize(
    ("tester_s", "others_s", "said"),
    [(8.0, 0.0, "The tester was at its limit (0.80"), (1.0, 9.0, "Other work took up to 0.9 cores")],
)
def test_what_disturbed_the_figures_is_said(tester_s: float, others_s: float, said: str) -> None:
    results = [
        measured(name, tester_s=tester_s, others_s=others_s) for name in (peers.RECORDING, peers.PLAIN, peers.STOCK)
    ]
    assert said in str(peers.facts_of(results, is_janus_missing=True)["notes"])
    quiet = [measured(name) for name in (peers.RECORDING, peers.PLAIN, peers.STOCK)]
    assert said not in str(peers.facts_of(quiet, is_janus_missing=True)["notes"])


@pytest.mark.journey
async def test_janus_forwards_both_ways_and_records_each_person() -> None:
    library = library_folder()
    if library is None:
        assert shutil.which("janus") is None or not list(Path("/usr/lib").glob("*/janus/transports/*websockets.so"))
        return
    async with janus_calls(make_clip(1.0), 1, library=library) as standing:
        ((one, other),) = standing.pairs
        assert is_fed(one)
        assert is_fed(other)
        folder = folder_of(standing)
        assert Path(f"/proc/{standing.pid}/cwd").resolve() == folder.resolve()  # where it would leave a core
        names = sorted(file.name for file in folder.glob("*.mjr"))
        assert names == [f"{who}0-{kind}.mjr" for who in ("callee", "caller") for kind in ("audio", "video")]
    assert not folder.exists()
    assert not Path(f"/proc/{standing.pid}").exists()


def test_a_server_that_leaves_packets_out_is_not_praised_for_it() -> None:
    results = [measured(name) for name in (peers.RECORDING, peers.PLAIN, peers.STOCK)]
    results[0].sent = 25_000
    assert "Loupe, recording delivered only 80% of the packets" in str(
        peers.facts_of(results, is_janus_missing=True)["notes"]
    )


def test_a_run_that_was_stopped_compares_what_it_has() -> None:
    facts = peers.facts_of([measured(peers.RECORDING), measured(peers.JANUS, cpu_s=4.0)], is_janus_missing=False)
    assert facts["ratios"] == {"calls_per_core_to_janus": 4.0}
    assert peers.facts_of([], is_janus_missing=False)["ratios"] == {}


def is_fed(client: Client) -> bool:
    return client.received > 0 and bool(client.arrived_frames) and client.has_sound.is_set()


def folder_of(standing: Standing) -> Path:
    """From what the process was started with."""
    words = Path(f"/proc/{standing.pid}/cmdline").read_text().split("\0")
    return Path(words[words.index("--configs-folder") + 1]).parent
