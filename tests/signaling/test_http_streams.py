from __future__ import annotations

from domain.stream import next_digest
from tests.support.doors import Door, refusal
from tests.support.houses import ANN, LI, TOM, ZHOU

ANNS = f"/api/streams/c.{ANN.id}"


async def fill(door: Door, count: int) -> int:
    """Returns the digest."""
    digest = 0
    for number in range(count):
        kept = await door.chat.append_by_machine(f"c.{ANN.id}", f"job.{number}", "text", {"text": str(number)})
        digest = next_digest(digest, kept.entry.id)
    return digest


async def test_older_entries_come_page_by_page_and_tell_where_the_stream_stands(door: Door) -> None:
    digest = await fill(door, 130)
    ann = door.customer(ANN)
    last = await (await ann.get(f"{ANNS}/entries")).json()
    assert (last["head"], last["digest"]) == (130, digest)
    assert [e["position"] for e in last["entries"]] == list(range(81, 131))
    before = await (await ann.get(f"{ANNS}/entries", params={"before": 81, "limit": 100})).json()
    assert [e["position"] for e in before["entries"]] == list(range(1, 81))
    after = await (await ann.get(f"{ANNS}/entries", params={"after": 128})).json()
    assert [e["body"]["text"] for e in after["entries"]] == ["128", "129"]
    assert set(after["entries"][0]) == {
        "position", "id", "kind", "author", "side", "author_name", "at", "reply_to", "gone", "body",
    }  # fmt: skip


async def test_a_streams_state_has_its_inbox_row_for_staff_alone(door: Door) -> None:
    await fill(door, 3)
    of_staff = await (await door.staff(LI).get(ANNS)).json()
    of_ann = await (await door.customer(ANN).get(ANNS)).json()
    assert of_staff["conversation"]["id"] == ANN.id
    assert of_ann["conversation"] is None
    assert of_staff["entries"] == of_ann["entries"]
    assert len(of_ann["entries"]) == of_ann["head"] == 3


async def test_streams_of_others_are_not_there(door: Door) -> None:
    await refusal(await door.browser().get(ANNS), 401, "not_signed_in")
    for browser in (door.customer(TOM), door.staff(ZHOU)):
        await refusal(await browser.get(ANNS), 404, "not_found")
        await refusal(await browser.get(f"{ANNS}/entries"), 404, "not_found")
    await refusal(await door.customer(ANN).get(f"/api/streams/n.{ANN.id}"), 404, "not_found")
    assert (await door.staff(LI).get(f"/api/streams/n.{ANN.id}")).status == 200


async def test_a_span_that_is_none_is_refused(door: Door) -> None:
    for query in ("before=0", "limit=101", "limit=x", "after=-1", "before=99999999999999"):
        await refusal(await door.customer(ANN).get(f"{ANNS}/entries?{query}"), 400, "bad_request")
    await refusal(await door.customer(ANN).get("/api/streams/x.ann/entries"), 404, "not_found")
