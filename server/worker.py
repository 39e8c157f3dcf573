"""A media worker: one `LocalNode` in a process of its own, asked through the socket pair whose descriptor it is given.

    python -m server.worker DESCRIPTOR OPTIONS_JSON

It ends when the server's end of the pair closes, so no worker outlives its server.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from dataclasses import asdict
from typing import Any

from domain.errors import Refusal
from server.local_node import LocalNode
from server.logs import set_up_logs
from server.node_pipe import Pipe, event_fields, options, plans
from signaling.node import MediaNode


async def ask(node: MediaNode, name: str, args: dict[str, Any]) -> tuple[Any, bytes]:
    """Does one asked thing; returns what goes back, with a block of bytes for pictures."""
    if name == "apply":
        await node.apply(plans.validate_python(args["plan"]))
        return None, b""
    if name == "take_picture":
        shot = await node.take_picture(args["peer"])
        return {"width": shot.width, "height": shot.height, "sharpness": shot.sharpness}, shot.jpeg
    if name == "finish_recording":
        done = await node.finish_recording(args["call_id"])
        return asdict(done) if done else None, b""
    plain = {"open_peer", "close_peer", "end", "send_text", "forget_journal", "unfinished_recordings", "stats"}
    if name not in plain:
        raise ValueError(f"a media worker cannot {name}")
    return await getattr(node, name)(**args), b""


async def work(descriptor: int, option_text: str) -> None:
    settings = options.validate_json(option_text)
    connection = socket.socket(fileno=descriptor)
    connection.setblocking(False)
    pipe = Pipe(*await asyncio.open_connection(sock=connection))

    async def answer(number: int, name: str, args: dict[str, Any]) -> None:
        try:
            result, blob = await ask(node, name, args)
        except Refusal as refusal:
            pipe.write({"id": number, "refusal": type(refusal).__name__, "message": refusal.message})
        except Exception as fault:
            pipe.write({"id": number, "refusal": "Unavailable", "message": f"The media worker failed: {fault!r}"})
        else:
            pipe.write({"id": number, "result": result}, blob)

    running: set[asyncio.Task[None]] = set()
    try:
        async with LocalNode(settings) as node, asyncio.TaskGroup() as tasks:
            node.listen(lambda event: pipe.write(event_fields(event)))
            pipe.write({"ready": node.port})
            while message := await pipe.read():
                body, _ = message
                task = tasks.create_task(answer(body["id"], body["ask"], body["args"]))
                running.add(task)
                task.add_done_callback(running.discard)
            for task in running:  # nobody is there to hear the answers; what was not finished is, at the next start
                task.cancel()
    except Refusal as refusal:  # its port is taken: the server says so, in the sentence that it has for people
        pipe.write({"cannot": refusal.message})
    finally:
        await pipe.drained_and_closed()


def main() -> None:
    # Ctrl-C, and a service manager's SIGTERM, reach the whole group; the server ends its workers itself, in order
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    set_up_logs("info")
    asyncio.run(work(int(sys.argv[1]), sys.argv[2]))


if __name__ == "__main__":
    main()
