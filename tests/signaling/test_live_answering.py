"""Answering before the store has written it down: packets flow at once, and stop when it could not be kept."""

from __future__ import annotations

from pathlib import Path

from signaling.node import Plan
from tests.support.houses import ANN, LI, MEI
from tests.support.tabs import opened


async def test_packets_flow_while_an_answer_is_being_kept_and_nobody_is_told_nor_recorded_before(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as stand:
        ann, mei = await stand.waiting(), await stand.staff()
        call_id = next(iter(stand.live.floor.open_visits())).id
        async with stand.house.calls.line_of(call_id):
            ref = await mei.send(type="call.answer", call_id=call_id)
            await stand.house.node.until(lambda: call_id in stand.house.node.plans)
            assert stand.routes(call_id) == {(ANN.id, 0, MEI.id), (MEI.id, 0, ANN.id)}
            assert stand.tapes(call_id) == {}
            assert (await ann.ask("hello"))["call"]["state"] == "waiting"
        assert (await mei.answer_to(ref))["call"]["state"] == "live"
        await stand.house.node.until(lambda: len(stand.tapes(call_id)) == 2)


async def test_packets_of_an_answer_that_could_not_be_kept_stop(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        await stand.waiting()
        mei = await stand.staff()
        call_id = next(iter(stand.live.floor.open_visits())).id
        async with stand.house.calls.line_of(call_id):
            ref = await mei.send(type="call.answer", call_id=call_id)
            await stand.house.node.until(lambda: bool(stand.house.node.plans.get(call_id, Plan("")).routes))
            del stand.house.calls.calls[call_id]
        assert (await mei.answer_to(ref))["type"] == "error"
        await stand.house.node.until(lambda: not stand.routes(call_id))


async def test_of_two_who_answer_at_once_only_the_winners_packets_flow(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        await stand.waiting()
        mei, li = await stand.staff(), await stand.staff(LI)
        call_id = next(iter(stand.live.floor.open_visits())).id
        async with stand.house.calls.line_of(call_id):
            won = await mei.send(type="call.answer", call_id=call_id)
            await stand.house.node.until(lambda: call_id in stand.house.node.plans)
            late = await li.send(type="call.answer", call_id=call_id)
            await li.ask("ping")
        assert (await mei.answer_to(won))["call"]["state"] == "live"
        assert (await li.answer_to(late))["code"] == "already_taken"
        people = {route.source.split(".")[0] for plan in stand.house.node.every_plan for route in plan.routes}
        assert people == {ANN.id, MEI.id}
