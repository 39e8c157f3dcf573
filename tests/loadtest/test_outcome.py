from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from loadtest import compare
from loadtest.histogram import histogram_of
from loadtest.options import LIMITS, limits_of, parser
from loadtest.outcome import Limit, Outcome, UnknownLimit, flat, read_limit
from loadtest.page import page, plot
from loadtest.verdict import verdict_of


def outcome(*limits: Limit, slow: float = 1.0, is_partial: bool = False) -> Outcome:
    facts: dict[str, object] = {
        "calls": 3,
        "calls_failed": 0,
        "transit_ms": histogram_of([0.4 * slow] * 98 + [4.0 * slow] * 2).facts(),
        "first_frame_ms": histogram_of([80.0 * slow]).facts(),
        "chat_ms": histogram_of([]).facts(),
        "server": {"us_per_packet": 40.0 * slow, "calls_per_core": 120.0 / slow, "cpu_cores": None},
        "recording": {"frames_sent": 100, "frames_received": 100, "frames_recorded": 100, "lost_share": 0.0},
        "series": {"transit p99 (ms)": [[0.5, 4.0], [1.0, 3.0]]},
        "notes": ["<script>alert(1)</script>"],
    }
    return Outcome("calls", facts, list(limits), is_partial, {"calls": 3})


def test_a_limit_that_is_passed_is_told_in_a_sentence_and_one_that_is_kept_is_not() -> None:
    found = outcome(Limit("transit_ms.p99", 3.0), Limit("transit_ms.p50", 3.0), Limit("server.calls_per_core", 150))
    assert found.passed_limits == [
        "transit_ms.p99 is 4; the limit is at most 3.",
        "server.calls_per_core is 120; the limit is at least 150.",
    ]
    assert [limit["ok"] for limit in found.as_json()["limits"]] == [False, True, False]
    assert not verdict_of(found).is_good


def test_what_was_not_measured_keeps_no_limit() -> None:
    assert outcome(Limit("chat_ms.p99", 50.0)).passed_limits == [
        "chat_ms.p99 was not measured; the limit is at most 50."
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("speed=3", "Known here"),
        ("transit_ms.p99", "NAME=VALUE"),
        ("transit_ms.p99=fast", "no number"),
        ("=3", "NAME="),
    ],
)
def test_a_limit_that_cannot_be_held_to_says_why(text: str, said: str) -> None:
    with pytest.raises(UnknownLimit, match=said):
        read_limit(text, LIMITS["calls"])


def test_each_command_takes_the_limits_it_is_said_to() -> None:
    given = {"report": ["a.json", "b.json"]}
    for command, names in LIMITS.items():
        typed = [command, *given.get(command, [])]
        for name in names:
            typed += ["--limit", f"{name}=1"]
        assert [limit.name for limit in limits_of(parser().parse_args(typed))] == list(names)


def test_the_verdict_is_for_people_and_a_partial_run_is_never_good() -> None:
    good = verdict_of(outcome())
    assert good.is_good
    assert "3 calls came about and held." in good.sentences
    assert any("nobody notices" in sentence for sentence in good.sentences)
    assert not verdict_of(outcome(slow=100.0)).is_good
    partial = verdict_of(outcome(is_partial=True))
    assert not partial.is_good
    assert "stopped before its end" in partial.sentences[0]


def test_the_page_is_whole_needs_nothing_else_and_runs_nothing() -> None:
    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.tags: list[str] = []
            self.links: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.tags.append(tag)
            self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    reader = Reader()
    text = page(outcome(Limit("transit_ms.p99", 3.0)))
    reader.feed(text)
    assert {"svg", "polyline", "table", "h1"} <= set(reader.tags)
    assert "script" not in reader.tags
    assert reader.links == []
    assert "nobody notices" in text
    assert "passed" in text


def test_a_plot_stays_in_its_frame() -> None:
    drawn = plot([(0.0, 0.0), (1.0, 5.0), (2.0, 10.0)])
    curve = drawn.partition("points='")[2].partition("'")[0]
    places = [tuple(map(float, point.split(","))) for point in curve.split()]
    assert all(0 <= x <= 640 and 0 <= y <= 160 for x, y in places)
    assert places[0][1] > places[1][1] > places[2][1]


def test_numbers_are_found_under_dotted_names() -> None:
    assert flat({"a": {"b": 1, "c": None, "d": {"e": 2.5}}, "f": "text", "g": [1], "h": True}) == {
        "a.b": 1.0, "a.d.e": 2.5, "h": 1.0,
    }  # fmt: skip


def reports(folder: Path, *outcomes: Outcome) -> list[Path]:
    paths = [folder / f"{number}.json" for number in range(len(outcomes))]
    for path, found in zip(paths, outcomes, strict=True):
        path.write_text(found.json_text())
    return paths


def test_what_got_worse_is_named_and_what_is_noise_is_not(tmp_path: Path) -> None:
    first, second, third = (
        compare.read_report(path) for path in reports(tmp_path, outcome(), outcome(slow=2), outcome())
    )
    worse = {change.name for change in compare.compare(first, second) if change.is_worse}
    assert {"transit_ms.p99", "server.us_per_packet", "server.calls_per_core"} <= worse
    assert "recording.frames_recorded" not in worse
    better = {change.name for change in compare.compare(second, first) if change.is_better}
    assert better == worse
    assert compare.facts(first, third)["worse"] == 0
    assert json.loads(json.dumps(compare.facts(first, second)))["worse"] == len(worse)


def test_files_that_cannot_be_compared_say_why(tmp_path: Path) -> None:
    [path] = reports(tmp_path, outcome())
    (tmp_path / "words").write_text("words")
    (tmp_path / "list").write_text("[]")
    for name, said in (("words", "no JSON"), ("list", "not a report"), ("nothing", "cannot be read")):
        with pytest.raises(compare.NoReport, match=said):
            compare.read_report(tmp_path / name)
    with pytest.raises(compare.NoReport, match="nothing in common"):
        compare.compare(compare.read_report(path), {"command": "chat"})
