"""A run: a seed decides who writes what, and what goes wrong when; then all is mended, and the audit looks at the end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from signaling.chat import Chat
from signaling.chat_source import row_view
from tests.simulator.audit import Broken
from tests.simulator.clock import run
from tests.simulator.disk import Disk, DiskStore
from tests.simulator.tab import Tab
from tests.simulator.world import MakeChat, MakeStore, World
from tests.support.houses import ANN, COBBLER, LI, MEI

STEPS = 36
SETTLES_WITHIN_S = 240.0
HEARTBEAT_S = 21.0
DEVICES = {"ann-phone": "ann", "ann-tablet": "ann", "tom-phone": "tom", "mei-desk": "mei", "li-tablet": "li"}
CLERKS = {"mei": MEI.id, "li": LI.id}


class Scenario:
    def __init__(self, world: World, rng: random.Random) -> None:
        self.world = world
        self.rng = rng
        self.databases = {name: world.device(name) for name in DEVICES}
        self.has_locks = rng.random() < 0.8
        world.audit.keeps_order = self.has_locks
        self.may_restore = rng.random() < 0.2
        self.backup: Disk | None = None
        self.deeds: dict[Callable[[], Awaitable[None]], float] = {
            self._write: 12, self._burst: 0.4, self._recall: 1, self._note: 1, self._set_inbox: 1, self._type: 0.3,
            self._crash_tab: 1.5, self._open_tab: 1.5, self._lend: 1, self._cut: 1, self._crash: 0.6,
            self._restart: 0.3, self._fill_disk: 0.5, self._slow_disk: 0.3, self._jump: 0.5, self._end_device: 0.15,
            self._back_up: 0.5, self._restore: 0.5 if self.may_restore else 0.0,
        }  # fmt: skip

    async def play(self) -> None:
        weather, rng = self.world.weather, self.rng
        weather.cut = rng.choice((0.0, 0.3, 0.7))
        weather.cut_bytes = rng.choice((600, 4000, 20000))
        weather.mute = rng.choice((0.0, 0.0, 0.1))
        weather.double = rng.choice((0.0, 0.05, 0.3))
        weather.delay_s = rng.choice(((0.001, 0.02), (0.01, 0.2), (0.05, 1.5)))
        weather.notice_s = rng.choice(((0.0, 0.2), (0.0, 10.0)))
        await self.world.boot()
        for name in DEVICES:
            self._open(name)
        for _ in range(STEPS):
            await asyncio.sleep(rng.expovariate(2.0))
            [deed] = rng.choices(list(self.deeds), list(self.deeds.values()))
            await deed()
        await self._mend()
        await settle(self.world)
        if self.world.audit.was_restored or rng.random() < 0.3:
            await asyncio.sleep(HEARTBEAT_S)
            await settle(self.world)
        self.world.audit.record()
        await self._leave()

    # --- what people do ---

    def _open(self, name: str) -> Tab:
        return self.world.open(DEVICES[name], self.databases[name], has_locks=self.has_locks)

    def _tab(self, side: str | None = None) -> Tab | None:
        tabs = [t for t in self.world.tabs if side in (None, t.person.side) and not t.is_ended]
        return self.rng.choice(tabs) if tabs else None

    def _stream(self, tab: Tab) -> str:
        return self.rng.choice([s for s in tab.person.reads if s.startswith("c.")])

    async def _write(self) -> None:
        tab = self._tab()
        if tab is not None:
            stream = self._stream(tab)
            text = "words " * self.rng.choice((1, 1, 5, 100))
            await tab.write(stream, "text", {"text": text}, **self._seen(tab, stream))

    async def _burst(self) -> None:
        tab = self._tab()
        if tab is not None:
            stream = self._stream(tab)
            for _ in range(self.rng.randrange(20, 70)):
                await tab.write(stream, "text", {"text": "quick"}, **self._seen(tab, stream))

    def _seen(self, tab: Tab, stream: str) -> dict[str, int]:
        return {"seen": tab.database.state(stream).head} if tab.person.side == "staff" else {}

    async def _recall(self) -> None:
        tab = self._tab()
        if tab is not None:
            own = tab.database.own
            stream = self._stream(tab)
            kept = [e for e in tab.database.state(stream).entries if e.id in own and e.kind == "text"]
            if kept:
                target = self.rng.choice(kept[-3:])
                await tab.write(stream, "recall", {"target": target.id})

    async def _note(self) -> None:
        tab = self._tab("staff")
        if tab is not None:
            body = {"text": "between us", "mentions": self.rng.sample([MEI.id, LI.id], self.rng.randrange(3))}
            await tab.write(f"n.{ANN.id}", "note", body)

    async def _set_inbox(self) -> None:
        tab = self._tab("staff")
        if tab is not None:
            deed = self.rng.choice(("take", "assign", "unassign", "close", "reopen"))
            staff_id = self.rng.choice((MEI.id, LI.id)) if deed == "assign" else None
            tab.ask("chat.inbox.set", id=f"inbox-{self.rng.randrange(10**6):06d}", conversation=ANN.id, deed=deed,
                    staff_id=staff_id, until=None)  # fmt: skip

    async def _type(self) -> None:
        tab = self._tab()
        if tab is not None:
            tab.ask("chat.typing", stream=self._stream(tab), is_typing=True)

    # --- what goes wrong ---

    async def _crash_tab(self) -> None:
        tab = self._tab()
        if tab is not None:
            self.world.crash_tab(tab)

    async def _open_tab(self) -> None:
        if len(self.world.tabs) < 10:
            self._open(self.rng.choice(list(DEVICES)))

    async def _lend(self) -> None:
        tab = self._tab()
        if tab is not None:
            tab.lend()

    async def _cut(self) -> None:
        tab = self._tab()
        if tab is not None:
            self.world.trace(tab.name, "is cut")
            for carrier in list(tab.carriers.values()):
                carrier.connection.cut()

    async def _crash(self) -> None:
        await self.world.crash()
        await asyncio.sleep(self.rng.uniform(0.1, 5.0))
        await self.world.boot()

    async def _restart(self) -> None:
        await self.world.restart()
        await asyncio.sleep(self.rng.uniform(0.1, 2.0))
        await self.world.boot()

    async def _fill_disk(self) -> None:
        self.world.trace("disk", "is full")
        self.world.disk.is_full = True
        asyncio.get_running_loop().call_later(self.rng.uniform(0.5, 8.0), self._empty_disk)

    def _empty_disk(self) -> None:
        self.world.trace("disk", "has room")
        self.world.disk.is_full = False

    async def _slow_disk(self) -> None:
        server = self.world.server
        if server is not None:
            self.world.trace("disk", "is slow")
            server.store.slow_s = (0.1, 2.0)
            asyncio.get_running_loop().call_later(
                self.rng.uniform(1, 8), setattr, server.store, "slow_s", (0.001, 0.03)
            )

    async def _jump(self) -> None:
        seconds = self.rng.choice((-86400.0, -30.0, 30.0, 7200.0))
        self.world.trace("clock", f"jumps {seconds:+.0f} s")
        self.world.clock.jump(seconds)

    async def _end_device(self) -> None:
        await self.world.end_device(self.databases["ann-tablet"], "ann")

    async def _back_up(self) -> None:
        self.backup = self.world.disk.backup()

    async def _restore(self) -> None:
        if self.backup is not None:
            backup, self.backup = self.backup, None
            await self.world.crash()
            self.world.put_back(backup, says_so=self.rng.random() < 0.5)
            await asyncio.sleep(self.rng.uniform(0.1, 2.0))
            await self.world.boot()

    # --- the end ---

    async def _mend(self) -> None:
        self.world.trace("all", "is mended")
        self.world.audit.streams()
        self.world.weather.calm()
        self._empty_disk()
        for name, database in self.databases.items():
            is_open = any(tab.database is database for tab in self.world.tabs)
            if not is_open and name not in self.world.audit.ended:
                self._open(name)

    async def _leave(self) -> None:
        """Whoever closes the page leaves nothing behind."""
        server = self.world.server
        assert server is not None
        for tab in list(self.world.tabs):
            self.world.crash_tab(tab)
        chat = server.chat
        for _ in range(30):  # until the last cut is noticed
            if not (len(chat.readers) or chat.hub.lines or chat.hub.readers_of):
                break
            await asyncio.sleep(1.0)
        else:
            raise Broken(f"{len(chat.readers)} readers and {list(chat.hub.lines)} are left")
        if chat.counts["faults"]:
            raise Broken(f"{chat.counts['faults']} faults were logged")


async def settle(world: World) -> None:
    """Every device holds what is kept, or somebody promised too much."""
    loop = asyncio.get_running_loop()
    until = loop.time() + SETTLES_WITHIN_S
    while (what := differs(world)) is not None:
        if loop.time() > until:
            raise Broken(f"{SETTLES_WITHIN_S:.0f} s after all was mended: {what}")
        await asyncio.sleep(1.0)


def differs(world: World) -> str | None:
    """What somebody lacks; None when all is as it should be."""
    audit, disk, server = world.audit, world.disk, world.server
    if server is None:
        return "the server is down"
    kept_rows = server.store.rows_now(COBBLER.id, -1)
    rows = {row.conversation.id: row_view(row).model_dump(mode="json") for row in kept_rows}
    for tab in world.tabs:
        name = tab.database.device
        if name in audit.ended:
            if not tab.is_ended:
                return f"{name} was signed out and does not know"
            continue
        for stream in tab.person.reads:
            tab.see(stream)
        if wrong := audit.differs(tab.person.id, tab.database, tab.person.reads):
            return wrong
        marks = {key: (mark["delivered"], mark["read"]) for key, mark in tab.marks.items() if key[0][0] in "cn"}
        streams = {stream for stream in tab.person.reads if stream[0] in "cn"}
        kept = {key: (m.delivered, m.read) for key, m in disk.marks.items() if key[0] in streams}
        if audit.was_restored:  # marks only grow: what was read before the restore was read
            marks = {key: min(marks.get(key, (0, 0)), mark) for key, mark in kept.items()}
        if marks != kept:
            return f"{tab.name} knows the marks {marks}, kept are {kept}"
        if tab.person.side == "staff":
            open_rows = {id for id, row in rows.items() if row["state"] != "closed"}
            shown = {id: row for id, row in tab.rows.items() if id in open_rows or row["state"] != "closed"}
            if shown != {id: rows[id] for id in open_rows}:
                return f"{tab.name} shows other rows: {shown} {rows}"
    return None


class Failed(AssertionError):
    """`traces`: what happened until then."""

    def __init__(self, seed: int, why: BaseException, traces: list[str]) -> None:
        super().__init__(f"seed {seed}: {type(why).__name__}: {why}\n" + "\n".join(traces[-60:]))
        self.traces = traces


def run_seed(seed: int, make_store: MakeStore = DiskStore, make_chat: MakeChat = Chat) -> World:
    """One run, always the same for one seed. Raises Failed."""
    traces: list[str] = []

    async def main() -> World:
        rng = random.Random(seed)
        world = World(rng, make_store, make_chat)
        world.traces = traces
        play = asyncio.create_task(Scenario(world, rng).play())
        await asyncio.wait([play, world.fault], return_when=asyncio.FIRST_COMPLETED)
        await (world.fault if world.fault.done() else play)
        await world.crash()
        return world

    try:
        return run(main())
    except Exception as why:
        raise Failed(seed, why, traces) from why
