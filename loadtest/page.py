"""The report as one page that needs nothing else: verdict, figures, plots over time as SVG, limits, notes."""

from __future__ import annotations

from html import escape

from loadtest.outcome import Outcome, flat
from loadtest.verdict import verdict_of

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 640, 160, 56, 24
_STYLE = """
:root{color-scheme:light dark;--ink:#1c1b19;--paper:#fbfaf7;--soft:#6d6860;--line:#ddd8cf}
:root{--good:#1d7a46;--bad:#b3261e;--plot:#2f6f8f}
@media (prefers-color-scheme:dark){
:root{--ink:#ece8e1;--paper:#191816;--soft:#a09a90;--line:#3a3733;--good:#6fcf97;--bad:#ff8a80;--plot:#7cc4e4}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
body{max-width:46rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.4rem 0}.soft{color:var(--soft)}
.verdict{border-left:6px solid var(--good);padding:.4rem 1rem;margin:1rem 0;font-size:1.1rem}
.verdict.bad{border-color:var(--bad)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:right}
th:first-child,td:first-child{text-align:left}.bad{color:var(--bad)}.good{color:var(--good)}
figure{margin:1rem 0}svg{width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:var(--soft)}
.grid{stroke:var(--line);stroke-width:1}.curve{fill:none;stroke:var(--plot);stroke-width:1.8}
"""


def page(outcome: Outcome) -> str:
    """A whole HTML document."""
    verdict = verdict_of(outcome)
    numbers = outcome.numbers
    word = "partial" if outcome.is_partial else "good" if verdict.is_good else "not good enough"
    facts = outcome.as_json()
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>Loupe load test: {escape(outcome.command)}</title><style>{_STYLE}</style>",
        f"<h1>Loupe load test: {escape(outcome.command)}</h1>",
        f"<p class=soft>{escape(str(facts['at']))}, {escape(str(facts['machine']))}"
        + "".join(f", {escape(name)} {escape(str(value))}" for name, value in outcome.given.items())
        + "</p>",
        f"<div class='verdict{'' if verdict.is_good else ' bad'}'><strong>Verdict: {word}.</strong>",
        *(f"<p>{escape(sentence)}</p>" for sentence in verdict.sentences),
        "</div>",
    ]
    if outcome.limits:
        parts.append("<h2>Limits</h2><table><tr><th>figure<th>measured<th>limit<th>")
        for limit in outcome.limits:
            told = limit.facts(numbers)
            value = "not measured" if told["value"] is None else f"{told['value']:g}"
            mark = "<td class=good>kept" if told["ok"] else "<td class=bad>passed"
            parts.append(f"<tr><td>{escape(limit.name)}<td>{value}<td>{limit.limit:g}{mark}")
        parts.append("</table>")
    parts += _latencies(numbers)
    for name, points in outcome.series.items():
        if len(points) > 1:
            parts.append(f"<figure><figcaption>{escape(name)}</figcaption>{plot(points)}</figure>")
    parts += _peers(outcome.facts.get("peers"))
    parts += _others(numbers)
    if outcome.notes:
        parts.append("<h2>What to know about these figures</h2>")
        parts += [f"<p>{escape(note)}</p>" for note in outcome.notes]
    return "\n".join(parts) + "\n</html>\n"


def _rows(numbers: dict[str, float]) -> list[str]:
    return [name.removesuffix(".count") for name, value in numbers.items() if name.endswith(".count") and value]


def _latencies(numbers: dict[str, float]) -> list[str]:
    rows = _rows(numbers)
    if not rows:
        return []
    parts = [
        "<h2>How long things took, in milliseconds</h2><table><tr><th><th>half within<th>95 %<th>99 %<th>longest<th>count"
    ]
    for row in rows:
        cells = "".join(f"<td>{numbers.get(f'{row}.{part}', 0):.2f}" for part in ("p50", "p95", "p99", "max"))
        name = row.replace("_ms", "").replace("_", " ").replace(".", ": ")
        parts.append(f"<tr><td>{escape(name)}{cells}<td>{numbers[f'{row}.count']:.0f}")
    return [*parts, "</table>"]


def _others(numbers: dict[str, float]) -> list[str]:
    rows = _rows(numbers)
    others = [name for name in numbers if name.rpartition(".")[0] not in rows and not name.endswith(".count")]
    if not others:
        return []
    cells = (f"<tr><td>{escape(name)}<td>{numbers[name]:g}" for name in others)
    return ["<h2>Other figures</h2><table>", *cells, "</table>"]


def _peers(peers: object) -> list[str]:
    if not isinstance(peers, list) or not peers:
        return []
    names = ("us_per_packet", "calls_per_core", "transit_ms.p50", "transit_ms.p99", "first_frame_ms.p95", "rss_mb")
    head = "".join(f"<th>{escape(name.replace('_', ' '))}" for name in names)
    parts = [f"<h2>Side by side</h2><table><tr><th>server{head}"]
    for peer in peers:
        numbers = flat(peer)
        cells = "".join(f"<td>{numbers[name]:g}" if name in numbers else "<td>" for name in names)
        parts.append(f"<tr><td>{escape(str(peer.get('name')))}{cells}")
    return [*parts, "</table>"]


def plot(points: list[tuple[float, float]]) -> str:
    """One curve over seconds, from 0 upwards."""
    last_s = max(at for at, _ in points) or 1.0
    most = max(value for _, value in points) or 1.0
    wide, high = _WIDTH - _LEFT - 8, _HEIGHT - _BOTTOM - 8

    def place(at: float, value: float) -> str:
        return f"{_LEFT + at / last_s * wide:.1f},{8 + (1 - max(0.0, value) / most) * high:.1f}"

    curve = " ".join(place(at, value) for at, value in points)
    lines = "".join(
        f"<line class=grid x1={_LEFT} x2={_WIDTH - 8} y1={y:.1f} y2={y:.1f} />"
        f"<text x={_LEFT - 6} y={y + 4:.1f} text-anchor=end>{most * share:.3g}</text>"
        for share in (0.0, 0.5, 1.0)
        for y in (8 + (1 - share) * high,)
    )
    ends = f"<text x={_LEFT} y={_HEIGHT - 6}>0 s</text><text x={_WIDTH - 8} y={_HEIGHT - 6} text-anchor=end>{last_s:.0f} s</text>"
    return f"<svg viewBox='0 0 {_WIDTH} {_HEIGHT}' role=img>{lines}{ends}<polyline class=curve points='{curve}'/></svg>"
