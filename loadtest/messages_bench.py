"""What `bench --only messages` runs: each target of conversations once, on servers of their own, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from loadtest.messages import MessagesRun, Wanted
from loadtest.sheets import Figures, Sheet

Tell = Callable[[str], None]
WHOLE = (
    ("5,000 a second", Wanted(rate=26.5, seconds=20.0, listens=False)),  # a little more: the last are still under way
    ("1,000 a second, with readers", Wanted(rate=5.0, seconds=20.0)),
    ("open pages", Wanted(idle=20_000)),
    ("a shop's inbox", Wanted(inbox=2000)),
    ("with faults", Wanted(rate=12.5, messages=1_000_000, faults=True, listens=False)),
)
QUICK = (
    ("250 a second", Wanted(devices=50, seconds=3.0, listens=False)),
    ("100 a second, with readers", Wanted(devices=20, seconds=3.0)),
    ("open pages", Wanted(idle=200)),
    ("a shop's inbox", Wanted(inbox=40)),
    ("with faults", Wanted(devices=50, messages=1000, faults=True, listens=False)),
)
COLUMNS = ("run", "asked", "reached", "p50 ms", "p99", "max", "server's cores", "lost, doubled, out of order")


async def run(*, quick: bool, tell: Tell) -> Sheet:
    found: list[tuple[str, dict[str, Any]]] = []
    for name, wanted in QUICK if quick else WHOLE:
        tell(f"messages: {name}")
        each = MessagesRun(wanted, tell)
        await each.run()
        found.append((name, each.facts()))
    return sheet(found)


def sheet(found: list[tuple[str, dict[str, Any]]]) -> Sheet:
    """Of the five runs, in their order."""
    fast, delivered, idle, inbox, faults = (facts for _, facts in found)
    wrong = [facts["messages"] for facts in (fast, delivered, faults)]
    figures: Figures = {
        "acknowledged_per_second": fast["messages"]["acknowledged_per_second"],
        "delivery_p99_ms": delivered["delivery_ms"]["p99"],
        "idle_pages": idle["idle"]["open"],
        "idle_gb": idle["idle"]["rss_gb"],
        "inbox_ms": inbox["inbox_ms"]["max"] if not inbox["inbox"]["missing"] else None,
        "wrong": sum(each[name] for each in wrong for name in ("lost", "duplicated", "reordered")),
    }
    rows = [
        _row(found[0][0], fast, "ack_ms"),
        _row(found[1][0], delivered, "delivery_ms"),
        (
            found[2][0], "", f"{idle['idle']['open']} pages", "", "", "", f"{idle['server']['cpu_cores']:.2f}",
            f"{idle['idle']['lost']} lost",
        ),
        (found[3][0], "", f"{inbox['inbox']['sessions']} pages", *_times(inbox["inbox_ms"]), "", f"{inbox['inbox']['missing']} missing"),
        _row(found[4][0], faults, "ack_ms"),
    ]  # fmt: skip
    notes = [
        "p50, p99, max: until a message is acknowledged; with readers, until another page has it; inbox, until the last page has.",
        f"Open pages: {idle['idle']['rss_gb']} GB, {idle['idle']['kb_per_page']} kB each.",
        f"With faults: {faults['messages']['written']} messages; "
        + ", ".join(f"{name} {count}" for name, count in faults["faults"].items())
        + ".",
        *(f"{name}: {note}" for name, facts in found for note in facts["notes"]),
    ]
    return Sheet("messages", COLUMNS, rows, notes, figures, dict(found))


def _row(name: str, facts: Mapping[str, Any], times: str) -> tuple[str, ...]:
    said = facts["messages"]
    cores = f"{facts['server']['cpu_cores']:.2f}" if "server" in facts else ""
    wrong = ", ".join(str(said[part]) for part in ("lost", "duplicated", "reordered"))
    asked, reached = f"{said['asked_per_second']:.0f}/s", f"{said['acknowledged_per_second']:.0f}/s"
    return (name, asked, reached, *_times(facts[times]), cores, wrong)


def _times(latency: Mapping[str, float | None]) -> tuple[str, str, str]:
    first, late, worst = ("-" if (value := latency[part]) is None else f"{value:.0f}" for part in ("p50", "p99", "max"))
    return first, late, worst
