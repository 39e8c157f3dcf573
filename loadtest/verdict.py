"""What the figures mean, in sentences that the owner of a shop understands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loadtest.outcome import Outcome

# ITU-T G.114: 150 ms one way are not noticed; what the server adds must leave room for two radio networks.
UNNOTICED_MS, FELT_MS = 20.0, 100.0
PROMPT_PICTURE_MS, SLOW_PICTURE_MS = 600.0, 2000.0
PROMPT_MESSAGE_MS = 100.0


@dataclass(frozen=True, slots=True)
class Verdict:
    is_good: bool
    sentences: list[str]


def verdict_of(outcome: Outcome) -> Verdict:
    """Good: nothing failed, no limit was passed and the run was not cut short."""
    numbers = outcome.numbers
    found = [
        sentence
        for judged in (
            _calls,
            _transit,
            _picture,
            _glass,
            _chat,
            _messages,
            _kept,
            _open_pages,
            _inbox,
            _recording,
            _room,
            _ratios,
            _growth,
            _overload,
        )
        if (sentence := judged(numbers)) is not None
    ]
    is_good = all(good for good, _ in found) and not outcome.passed_limits and not outcome.is_partial
    sentences = [text for _, text in found]
    if outcome.is_partial:
        sentences.insert(0, "This run was stopped before its end: the figures cover only the part that ran.")
    if outcome.limits:
        kept = len(outcome.limits) - len(outcome.passed_limits)
        sentences.append(f"{kept} of {len(outcome.limits)} limits were kept.")
    return Verdict(is_good, sentences or ["Nothing was measured."])


Judged = tuple[bool, str] | None


def _calls(numbers: Mapping[str, float]) -> Judged:
    failed = numbers.get("calls_failed", 0)
    if "calls" not in numbers or "calls_failed" not in numbers:
        return None
    calls = numbers["calls"]
    if failed:
        return False, f"{failed:.0f} of {calls + failed:.0f} calls did not come about or broke."
    return True, f"{calls:.0f} {'call' if calls == 1 else 'calls'} came about and held."


def _transit(numbers: Mapping[str, float]) -> Judged:
    p99 = numbers.get("transit_ms.p99")
    if p99 is None:
        return None
    if p99 <= UNNOTICED_MS:
        said = "nobody notices that a server stands in between"
    elif p99 <= FELT_MS:
        said = "a careful listener may notice it"
    else:
        said = "people begin to talk over each other"
    return p99 <= FELT_MS, f"99 of 100 pictures came through within {p99:.1f} ms: {said}."


def _picture(numbers: Mapping[str, float]) -> Judged:
    p95 = numbers.get("first_frame_ms.p95")
    if p95 is None:
        return None
    said = "at once" if p95 <= PROMPT_PICTURE_MS else "with a wait" if p95 <= SLOW_PICTURE_MS else "far too late"
    return p95 <= SLOW_PICTURE_MS, f"After a tap on Answer the picture appears {said} (95 of 100 within {p95:.0f} ms)."


def _glass(numbers: Mapping[str, float]) -> Judged:
    p95, above = numbers.get("glass.loupe_ms.p95"), numbers.get("glass.above_direct_ms.p95")
    if p95 is None or above is None:
        return None
    said = "nobody notices" if above <= UNNOTICED_MS else "a careful eye may notice" if above <= FELT_MS else "one sees"
    return above <= FELT_MS, (
        f"What the customer's camera sees is on the tablet within {p95:.0f} ms (95 of 100 pictures); without a server in "
        f"between it would be {abs(above):.0f} ms {'sooner' if above >= 0 else 'later'}: {said} the difference."
    )


def _ratios(numbers: Mapping[str, float]) -> Judged:
    compared = [
        f"{numbers[f'ratios.calls_per_core_to_{key}']:.1f} times as many as {name}"
        for key, name in (("janus", "Janus"), ("aiortc", "stock aiortc"))
        if f"ratios.calls_per_core_to_{key}" in numbers
    ]
    if not compared:
        return None
    return True, f"On the same processor Loupe carries, recording, {' and '.join(compared)}."


def _chat(numbers: Mapping[str, float]) -> Judged:
    p99 = numbers.get("chat_ms.p99")
    if p99 is None:
        return None
    said = "at once" if p99 <= PROMPT_MESSAGE_MS else "with a delay that one notices" if p99 <= 1000 else "late"
    return p99 <= 1000, f"A written message is confirmed {said} (99 of 100 within {p99:.0f} ms)."


def _messages(numbers: Mapping[str, float]) -> Judged:
    lost, twice = numbers.get("messages.lost"), numbers.get("messages.duplicated")
    if lost is None:
        return None
    wrong = lost + (twice or 0) + numbers.get("messages.reordered", 0)
    if wrong:
        return False, f"{lost:.0f} messages were lost, {twice or 0:.0f} came twice: that must not happen."
    return True, "No message was lost, none came twice, none out of order."


def _kept(numbers: Mapping[str, float]) -> Judged:
    per_second, asked = numbers.get("messages.acknowledged_per_second"), numbers.get("messages.asked_per_second")
    if per_second is None or asked is None:
        return None
    p99 = numbers.get("ack_ms.p99")
    if p99 is None or numbers.get("messages.unacknowledged"):
        return False, f"{numbers.get('messages.unacknowledged', 0):.0f} messages were never confirmed."
    return (
        True,
        f"{per_second:.0f} of {asked:.0f} messages a second were confirmed as kept, 99 of 100 within {p99:.0f} ms.",
    )


def _open_pages(numbers: Mapping[str, float]) -> Judged:
    count, rss_gb = numbers.get("idle.open"), numbers.get("idle.rss_gb")
    if count is None or rss_gb is None:
        return None
    lost = numbers.get("idle.lost", 0)
    return not lost, f"{count:.0f} pages are open at once in {rss_gb:.2f} GB; {lost:.0f} did not come in or were lost."


def _inbox(numbers: Mapping[str, float]) -> Judged:
    worst, sessions = numbers.get("inbox_ms.max"), numbers.get("inbox.sessions")
    if worst is None or sessions is None:
        return None
    missing = numbers.get("inbox.missing", 0)
    said = f"All of {sessions:.0f} pages of the shop see a new message within {worst:.0f} ms"
    return not missing, said + (f", but {missing:.0f} times a page did not." if missing else ".")


def _recording(numbers: Mapping[str, float]) -> Judged:
    received, lost_share = numbers.get("recording.frames_received"), numbers.get("recording.lost_share")
    if received is None or lost_share is None:
        return None
    missing = round(received * lost_share)
    if lost_share > 0.001:
        return False, f"{missing} of {received:.0f} pictures that people saw are missing from the recordings."
    told = "no picture is missing." if not missing else f"{missing} of {received:.0f} pictures are missing."
    return True, f"The recordings hold what people saw: {told}"


def _room(numbers: Mapping[str, float]) -> Judged:
    per_core = numbers.get("server.calls_per_core")
    if not per_core:
        return None
    return True, f"One processor core of this machine carries about {per_core:.0f} such calls."


def _overload(numbers: Mapping[str, float]) -> Judged:
    sound, new_call = numbers.get("overload.twice_the_load.least_sound_share"), numbers.get("overload.new_call_s")
    if sound is None or "overload.is_kept" not in numbers:
        return None
    recovered = numbers.get("overload.recovered_s")
    after = "calls did not recover" if recovered is None else f"calls were as before {recovered:.0f} s after it"
    new = "no new call came about" if new_call is None else f"a new call came about after {new_call:.0f} s"
    return bool(numbers["overload.is_kept"]), (
        f"At twice the load that it can carry, everybody heard at least {100 * sound:.0f} % of the other's voice and "
        f"{numbers.get('overload.comers.refused', 0):.0f} of {numbers.get('overload.comers.came', 0):.0f} new customers were told that "
        f"all lines are busy; {after}, {new}."
    )


def _growth(numbers: Mapping[str, float]) -> Judged:
    before, after = numbers.get("leaks.rss_mb.start"), numbers.get("leaks.rss_mb.end")
    if before is None or after is None:
        return None
    if numbers.get("leaks.is_growing"):
        return False, f"The server kept more than it should: {before:.0f} MB of memory became {after:.0f} MB."
    return True, f"The server gave everything back: {before:.0f} MB of memory at the start, {after:.0f} MB at the end."
