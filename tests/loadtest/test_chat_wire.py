"""The rules of the wire, on carriers of which the test decides everything."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from loadtest.chat_outbox import CarrierName
from loadtest.chat_wire import Wire

DEADLINE_S = 10.0


class Line:
    """A carrier that only notes what goes out."""

    def __init__(self, name: CarrierName) -> None:
        self._name = name
        self.is_open = True
        self.sent: list[dict[str, Any]] = []
        self.took = asyncio.Event()

    @property
    def name(self) -> CarrierName:
        return self._name

    def send(self, text: str) -> bool:
        self.sent.append(json.loads(text))
        self.took.set()
        return True

    @property
    def ids(self) -> list[str]:
        return [frame["id"] for frame in self.sent if frame["type"] == "chat.append"]

    async def holds(self, count: int) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while len(self.ids) < count:
                self.took.clear()
                await self.took.wait()


class Said:
    def __init__(self) -> None:
        self.promises: list[tuple[str, int, str]] = []
        self.wire = Wire(lambda *promise: self.promises.append(promise), lambda *_: None)

    def answer(self, on: Line, at: int, position: int = 1) -> None:
        ack = {"type": "chat.ack", "ref": on.sent[at]["ref"], "position": position}
        self.wire.hear(on, json.dumps(ack))


def opened(said: Said, *names: CarrierName) -> list[Line]:
    lines = [Line(name) for name in names]
    for line in lines:
        said.wire.attach(line)
    return lines


async def test_a_message_without_a_carrier_goes_out_when_one_opens() -> None:
    said = Said()
    said.wire.say("m0", "hello")
    said.wire.say("m1", "hello")
    (socket,) = opened(said, "socket")
    assert socket.ids == ["m0", "m1"]
    await said.wire.close()


async def test_an_unanswered_message_goes_out_on_the_other_carrier_and_is_promised_once() -> None:
    said = Said()
    socket, channel = opened(said, "socket", "channel")
    said.wire.say("m0", "hello")
    assert (channel.ids, socket.ids) == (["m0"], [])
    await socket.holds(1)
    said.answer(socket, 0, 4)
    said.answer(channel, 0, 4)
    assert said.promises == [("m0", 4, "socket")]
    assert said.wire.unanswered == 0
    await said.wire.close()


async def test_a_carrier_that_goes_hands_its_messages_to_the_other_at_once_in_order() -> None:
    said = Said()
    socket, channel = opened(said, "socket", "channel")
    for number in range(3):
        said.wire.say(f"m{number}", "hello")
    said.wire.detach(channel)
    assert socket.ids == ["m0", "m1", "m2"]
    await said.wire.close()


async def test_a_new_carrier_takes_no_message_before_the_earlier_unanswered_ones() -> None:
    """The socket may be dying unseen: what it holds must not be overtaken on the channel that has just opened."""
    said = Said()
    (socket,) = opened(said, "socket")
    said.wire.say("m0", "hello")
    said.wire.say("m1", "hello")
    said.answer(socket, 0)
    (channel,) = opened(said, "channel")
    said.wire.say("m2", "hello")
    assert channel.ids == ["m1", "m2"]
    await said.wire.close()


@pytest.mark.parametrize("code", ["unavailable", "rate_limited", "expect"])
async def test_a_message_that_the_server_could_not_take_is_sent_again(code: str) -> None:
    said = Said()
    (socket,) = opened(said, "socket")
    said.wire.say("m0", "hello")
    refusal = {"type": "error", "ref": socket.sent[0]["ref"], "code": code, "message": "", "retry_after_s": 0.01}
    said.wire.hear(socket, json.dumps(refusal))
    await socket.holds(2)
    assert [frame["n"] for frame in socket.sent] == [1, 1]
    assert said.wire.unanswered == 1
    assert said.wire.fault is None
    await said.wire.close()


async def test_a_refused_message_is_the_end_of_the_run_and_not_sent_again() -> None:
    said = Said()
    (socket,) = opened(said, "socket")
    said.wire.say("m0", "hello")
    refusal = {
        "type": "error",
        "ref": socket.sent[0]["ref"],
        "code": "conflict",
        "message": "This id was used for something else.",
    }
    said.wire.hear(socket, json.dumps(refusal))
    assert said.wire.unanswered == 0
    assert "This id was used for something else." in str(said.wire.fault)
    assert said.promises == []
    await said.wire.close()


async def test_a_request_without_a_carrier_fails_at_once() -> None:
    said = Said()
    with pytest.raises(ConnectionError, match="no carrier for ping"):
        await said.wire.ask({"type": "ping"})
    await said.wire.close()
