"""Several media workers as one `MediaNode`: all peers of a group (a shop) go to one worker, so that they can be connected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

from server.node_pipe import NodeOptions
from server.worker_node import WorkerNode
from signaling.node import FinishedRecording, NodeEvent, PeerClosed, Plan, Shot


class NodePool:
    """`size` workers; worker n listens on `port + n` (any free port when 0)."""

    def __init__(self, node_options: NodeOptions, size: int) -> None:
        self.workers = [
            WorkerNode(
                replace(
                    node_options,
                    port=node_options.port + n if node_options.port else 0,
                    advertise=tuple((host, port + n) for host, port in node_options.advertise),
                )
            )
            for n in range(size)
        ]
        self._stack = AsyncExitStack()
        self._hear: Callable[[NodeEvent], None] = lambda _: None
        self._group_of: dict[str, str] = {}
        self._place_of: dict[str, WorkerNode] = {}
        self._calls: dict[str, WorkerNode] = {}

    async def __aenter__(self) -> Self:
        for worker in self.workers:
            worker.listen(self._heard)
            await self._stack.enter_async_context(worker)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def ports(self) -> tuple[int, ...]:
        return tuple(worker.port for worker in self.workers)

    def listen(self, hear: Callable[[NodeEvent], None]) -> None:
        self._hear = hear

    def _heard(self, event: NodeEvent) -> None:
        if isinstance(event, PeerClosed):
            self._forget(event.peer)
        self._hear(event)

    def _forget(self, peer: str) -> None:
        group = self._group_of.pop(peer, None)
        if group and group not in self._group_of.values():
            self._place_of.pop(group, None)

    def _place(self, group: str) -> WorkerNode:
        if group not in self._place_of:
            load = Counter(id(self._place_of[self._group_of[peer]]) for peer in self._group_of)
            self._place_of[group] = min(self.workers, key=lambda worker: (worker.is_busy(group), load[id(worker)]))
        return self._place_of[group]

    def _of_peer(self, peer: str) -> WorkerNode:
        group = self._group_of.get(peer)
        return self._place_of[group] if group else self.workers[0]

    def _of_plan(self, plan: Plan) -> WorkerNode:
        for peer in (*(route.sink for route in plan.routes), *(tape.peer for tape in plan.tapes)):
            if peer in self._group_of:
                return self._of_peer(peer)
        return self._calls.get(plan.call_id, self.workers[0])

    async def open_peer(self, peer: str, offer_sdp: str, *, group: str) -> str:
        worker = self._place(group)
        is_new = peer not in self._group_of
        self._group_of[peer] = group
        try:
            return await worker.open_peer(peer, offer_sdp, group=group)
        except Exception:
            if is_new:
                self._forget(peer)
            raise

    def is_busy(self, group: str) -> bool:
        return (
            self._place(group).is_busy(group)
            if group in self._place_of
            else all(w.is_busy(group) for w in self.workers)
        )

    async def close_peer(self, peer: str) -> None:
        worker = self._of_peer(peer)
        self._forget(peer)
        await worker.close_peer(peer)

    async def apply(self, plan: Plan) -> None:
        worker = self._of_plan(plan)
        before = self._calls.get(plan.call_id)
        if before is not None and before is not worker:
            await before.end(plan.call_id)
        self._calls[plan.call_id] = worker
        await worker.apply(plan)

    async def end(self, call_id: str) -> None:
        await self._calls.get(call_id, self.workers[0]).end(call_id)
        self._calls.pop(call_id, None)  # only now: a worker that did not hear it is asked again, not another one

    async def send_text(self, peer: str, text: str) -> bool:
        return await self._of_peer(peer).send_text(peer, text)

    async def take_picture(self, peer: str) -> Shot:
        return await self._of_peer(peer).take_picture(peer)

    async def finish_recording(self, call_id: str) -> FinishedRecording | None:
        return await self._calls.get(call_id, self.workers[0]).finish_recording(call_id)

    async def forget_journal(self, call_id: str) -> None:
        await self._calls.get(call_id, self.workers[0]).forget_journal(call_id)

    async def unfinished_recordings(self) -> list[str]:
        return await self.workers[0].unfinished_recordings()

    async def stats(self) -> dict[str, float]:
        total: Counter[str] = Counter()
        for worker in self.workers:
            total.update(await worker.stats())
        return dict(total)
