"""The tables of docs/performance.md: what each benchmark found, as rows of text, sentences, and the few figures that the
targets are held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from loadtest.answering import Answered
from loadtest.measures import percentile
from loadtest.peers import JANUS, LEAST_DELIVERED, RECORDING, STOCK

Figures = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One benchmark's result: `columns` and `rows` of text, `notes` in whole sentences, `figures` for the targets, `facts`
    for a program."""

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    notes: list[str]
    figures: Figures
    facts: object

    def table(self) -> Table:
        table = Table(title=self.name.capitalize(), title_justify="left")
        for at, column in enumerate(self.columns):
            table.add_column(column, justify="right" if at else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        return table

    def kept(self) -> dict[str, Any]:
        return {"columns": self.columns, "rows": self.rows, "notes": self.notes, "figures": self.figures}


def markdown(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    rule = ("---", *("---:" for _ in columns[1:]))
    return "\n".join("| " + " | ".join(row) + " |" for row in (columns, rule, *rows))


def peers_sheet(facts: Mapping[str, Any]) -> Sheet:
    """Of a whole `peers.PeersRun`."""
    rows: list[tuple[str, ...]] = [
        (
            peer["name"],
            str(peer["calls"]),
            f"{peer['us_per_packet']:.1f}",
            f"{peer['wakeups_per_packet']:.2f}",
            f"{peer['calls_per_core']:.0f}" if peer["calls_per_core"] > 10 else f"{peer['calls_per_core']:.1f}",
            _ms(peer["transit_ms"], "p50", "p99"),
            _ms(peer["connect_ms"], "p50", "p95"),
            _ms(peer["first_frame_ms"], "p50", "p95"),
            f"{peer['rss_mb']:.0f}",
        )
        for peer in facts["peers"]
    ]
    columns = (
        "server", "calls", "us/packet", "wake-ups/packet", "calls/core", "transit ms p50/99", "set-up p50/95", "picture p50/95", "MB"
    )  # fmt: skip
    ratios = facts["ratios"]
    delivers = {peer["name"]: peer["name"] == STOCK or peer["delivered"] >= LEAST_DELIVERED for peer in facts["peers"]}

    def ratio(name: str, other: str, factor: float = 1.0) -> float | None:
        """None when a server left packets out: what it then needs for the others says nothing."""
        is_fair = name in ratios and delivers[RECORDING] and delivers[other]
        return round(factor * ratios[name], 2) if is_fair else None

    figures = {
        "calls_per_core_to_janus": ratio("calls_per_core_to_janus", JANUS),
        "calls_per_core_to_aiortc": ratio("calls_per_core_to_aiortc", STOCK),
        "recording_costs_percent": ratio("recording_costs", RECORDING, 100),
    }
    return Sheet("peers", columns, rows, list(facts["notes"]), figures, facts)


def glass_sheet(facts: Mapping[str, Any]) -> Sheet:
    """Of `glass.GlassRun`."""
    glass = facts["glass"]
    rows: list[tuple[str, ...]] = []
    notes = []
    for name, key in (("Loupe", "loupe"), ("direct", "direct")):
        found, turns = glass[f"{key}_ms"], glass["turns"][key]
        rows.append(
            (
                name,
                str(len(turns)),
                str(glass["frames"][key]),
                *(f"{found[part]:.0f}" for part in ("p50", "p95", "p99", "max")),
                f"{glass['freezes'][key]['count']}",
            )
        )
        notes.append(
            f"{name}, p50/p95 ms of single turns: " + ", ".join(f"{t['p50']:.0f}/{t['p95']:.0f}" for t in turns) + "."
        )
    above, first = glass["above_direct_ms"], facts["first_picture_ms"]
    notes.insert(0, f"Loupe is {_beside(above['p50'])} direct at p50 and {_beside(above['p95'])} at p95.")
    notes.append(
        f"Answer to first picture in the calls through Loupe: p50 {first['p50']:.0f} ms, p95 {first['p95']:.0f} ms, max "
        f"{first['max']:.0f} ms ({first['count']} calls). {glass['unreadable_frames']} time codes could not be read."
    )
    notes += facts["notes"]
    others = max(turn["others_cores"] for turns in glass["turns"].values() for turn in turns)
    notes.append(f"Other work took {others:.1f} of the machine's cores in the busiest turn.")
    columns = ("way", "turns", "pictures", "p50 ms", "p95", "p99", "max", "freezes")
    figures: Figures = {"above_direct_p50_ms": above["p50"], "above_direct_p95_ms": above["p95"]}
    return Sheet("glass", columns, rows, notes, figures, facts)


def _beside(above_ms: float) -> str:
    return f"{abs(above_ms):.0f} ms {'above' if above_ms >= 0 else 'below'}"


def answering_sheet(answered: Answered) -> Sheet:
    rows: list[tuple[str, ...]] = [
        (where, str(len(values)), *(f"{percentile(values, share):.0f}" for share in (0.5, 0.95, 1.0)))
        for where, values in (
            ("staff's tablet is told that it is live", answered.told_ms),
            ("staff's tablet sees the customer", answered.tablet_ms),
            ("customer's phone sees the staff", answered.phone_ms),
        )
    ]
    columns = ("tap on Answer until", "calls", "p50 ms", "p95", "max")
    notes = ["Both pages, both cameras and the server shared the machine."]
    figures: Figures = {"tablet_p95_ms": round(percentile(answered.tablet_ms, 0.95), 1)}
    return Sheet("answering", columns, rows, notes, figures, answered.facts())


def overload_sheet(facts: Mapping[str, Any]) -> Sheet:
    """Of a whole `overload.OverloadRun`."""
    found = facts["overload"]
    rows: list[tuple[str, ...]] = [
        (
            name,
            f"{window['share']:.2f}",
            f"{window['server_cores']:.2f}",
            _ms(window["transit_ms"], "p50", "p99"),
            _ms(window["sound_delay_ms"], "p50", "p99"),
            *(f"{100 * window[part]:.1f}" for part in ("sound_share", "least_sound_share", "pictures_share")),
            f"{window['tester_cores']:.2f}",
        )
        for name, window in (
            ("nothing limits it", facts["steps"][0]),
            ("half of the load", found["half_load"]),
            ("p99 over 20 ms", facts["steps"][-1]),
            ("twice the load", found["twice_the_load"]),
        )
    ]
    comers = found["comers"]
    notes = [
        f"{facts['calls']} recorded calls; p99 passes 20 ms at {found['calls_per_core_at_limit']:.0f} calls a core.",
        f"Of {comers['came']} new customers during twice the load {comers['refused']} were refused, {comers['let_in']} let in, "
        f"{comers['without_answer']} got no answer."
        + (f' The refusal, within {comers["refused_within_ms"] / 1000:.1f} s: "{comers["refusal"]}"' if comers["refusal"] else ""),
        _when("When the load fell to the half, calls were as before after", found["recovered_s"])
        + _when(" and a new call came about after", found["new_call_s"])
        + f"; faults: {found['faults']}.",
        *facts["notes"],
    ]  # fmt: skip
    columns = (
        "load",
        "of a core",
        "took",
        "transit ms p50/99",
        "sound ms p50/99",
        "sound %",
        "least",
        "pictures %",
        "tester's cores",
    )
    figures: Figures = {
        "half_load_p50_ms": found["half_load"]["transit_ms"]["p50"],
        "half_load_p99_ms": found["half_load"]["transit_ms"]["p99"],
        "least_sound_percent": round(100 * found["twice_the_load"]["least_sound_share"], 1),
        "not_refused": comers["let_in"] + comers["without_answer"],
        "faults": found["faults"],
        "recovered_s": found["recovered_s"],
        "new_call_s": found["new_call_s"],
    }
    return Sheet("overload", columns, rows, notes, figures, facts)


def _when(said: str, seconds: float | None) -> str:
    return f"{said} {seconds:.0f} s" if seconds is not None else f"{said}: never"


def _ms(latency: Mapping[str, float | None], *parts: str) -> str:
    values = [latency[part] for part in parts]
    return "/".join("-" if value is None else f"{value:.2f}" if value < 10 else f"{value:.0f}" for value in values)
