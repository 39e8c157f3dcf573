"""`/api/stats`: what is counted, and who may see it."""

from __future__ import annotations

from pathlib import Path

from domain.errors import Unavailable
from tests.support.doors import open_door, refusal
from tests.support.houses import ANN, MEI


async def test_stats_are_flat_numbers_of_the_node_the_live_half_and_the_door(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        await door.browser().get("/api/me")
        response = await door.staff(MEI).get("/api/stats")
        said = await response.json()
        assert response.status == 200
        assert said["http_refused_not_signed_in"] == 1
        assert said["live_frames"] == 7
        assert said["node_answers"] == 1
        assert all(isinstance(value, int | float) for value in said.values())


async def test_only_managers_and_headquarters_see_stats(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        people = door.house.people.staff_by_id
        people["clerk"] = MEI.model_copy(update={"id": "clerk", "username": "clerk", "role": "clerk"})
        people["hq"] = MEI.model_copy(update={"id": "hq", "username": "hq", "role": "hq"})
        await refusal(await door.staff(people["clerk"]).get("/api/stats"), 403, "forbidden")
        await refusal(await door.customer(ANN).get("/api/stats"), 401, "not_signed_in")
        await refusal(await door.browser().get("/api/stats"), 401, "not_signed_in")
        assert (await door.staff(people["hq"]).get("/api/stats")).status == 200


async def test_stats_answer_although_the_media_node_does_not(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:

        async def away() -> dict[str, float]:
            raise Unavailable("The media worker does not answer.")

        door.house.node.stats = away  # type: ignore[method-assign]
        said = await (await door.staff(MEI).get("/api/stats")).json()
        assert said["node_answers"] == 0
        assert said["live_frames"] == 7
