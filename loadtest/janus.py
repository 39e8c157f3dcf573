"""A rival: Janus (C) with its video call plugin, from Debian's package, with a configuration of its own in a temporary folder.

Its JSON protocol on a WebSocket: a session, a handle to the plugin, messages to it (janus.conf.meetecho.com/docs/rest.html).
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp

from loadtest.clip import Clip
from loadtest.server_process import NotStarted, free_port
from loadtest.standing import PromptClient, Standing

READY_DEADLINE_S = 15.0
ANSWER_DEADLINE_S = 15.0
KEEP_EVERY_S = 20.0  # Janus forgets a session that is silent for 60 s
PLUGIN, TRANSPORT = "plugins/libjanus_videocall.so", "transports/libjanus_websockets.so"
MISSING = "Janus is not installed, so it was not measured: apt-get install janus (Debian) puts it beside the others."
# Janus has no candidates on loopback. What a machine sends to an address of its own stays on its loopback device all the same.
ANY_IPV4 = "0.0.0.0"
Event = dict[str, Any]


def library_folder() -> Path | None:
    """Where this machine's Janus keeps its plugins; None: Janus, or the parts of it that are needed, are not installed."""
    if shutil.which("janus") is None:
        return None
    folders = [
        *Path("/usr/lib").glob("*/janus"),
        Path("/usr/lib/janus"),
        Path("/usr/local/lib/janus"),
        Path("/opt/janus/lib/janus"),
    ]
    return next((at for at in folders if (at / PLUGIN).exists() and (at / TRANSPORT).exists()), None)


def write_configuration(folder: Path, library: Path, port: int) -> Path:
    """As ICE-lite, as Loupe is, which spares it checks of its own; only the one plugin and the one transport. The folder."""
    configuration = folder / "etc"
    configuration.mkdir()
    for part in (PLUGIN, TRANSPORT):
        link = folder / part
        link.parent.mkdir()
        link.symlink_to(library / part)
    for part in ("events", "loggers"):
        (folder / part).mkdir()
    (configuration / "janus.jcfg").write_text(
        f'general: {{ configs_folder = "{configuration}" plugins_folder = "{folder}/plugins" '
        f'transports_folder = "{folder}/transports" events_folder = "{folder}/events" '
        f'loggers_folder = "{folder}/loggers" debug_level = 3 }}\n'
        "nat: { ice_lite = true }\n"
    )
    (configuration / "janus.transport.websockets.jcfg").write_text(
        f'general: {{ ws = true ws_port = {port} ws_ip = "127.0.0.1" }}\n'
    )
    (configuration / "janus.plugin.videocall.jcfg").write_text("general: { }\n")
    return configuration


class JanusServer:
    """`async with JanusServer(folder) as janus`: started on a free loopback port. Raises NotStarted."""

    def __init__(self, folder: Path, library: Path) -> None:
        self._folder = folder
        self._library = library
        self._process: asyncio.subprocess.Process | None = None
        self.port = free_port()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> Self:
        configuration = await asyncio.to_thread(write_configuration, self._folder, self._library, self.port)
        log = self._folder / "janus.log"
        with await asyncio.to_thread(log.open, "wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                "janus", "--configs-folder", str(configuration), "--disable-colors",
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
                cwd=self._folder,  # what it leaves when it crashes goes with the folder
            )  # fmt: skip
        try:
            async with asyncio.timeout(READY_DEADLINE_S):
                while not await self._listens():
                    if self._process.returncode is not None:
                        raise TimeoutError
                    await asyncio.sleep(0.05)
        except BaseException as fault:
            await self._end()
            if not isinstance(fault, TimeoutError):
                raise
            words = (await asyncio.to_thread(log.read_text, errors="replace"))[-800:].strip()
            raise NotStarted(f"Janus did not start: {words}") from None
        return self

    async def __aexit__(self, *fault: object) -> None:
        await self._end()

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def _end(self) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(5):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()


class JanusUser:
    """One person's WebSocket, session and plugin handle. `heard` keeps the plugin's events until `event` takes them."""

    def __init__(self, http: aiohttp.ClientSession, port: int, name: str) -> None:
        self._http = http
        self._url = f"ws://127.0.0.1:{port}"
        self._name = name
        self._open = AsyncExitStack()
        self._ids: dict[str, int] = {}
        self._sent = 0
        self._answers: dict[str, asyncio.Future[Event]] = {}
        self._heard: asyncio.Queue[Event] = asyncio.Queue(maxsize=100)

    async def __aenter__(self) -> Self:
        self._socket = await self._open.enter_async_context(
            self._http.ws_connect(self._url, protocols=("janus-protocol",))
        )
        try:
            return await self._begin()
        except BaseException:
            await self._open.aclose()
            raise

    async def _begin(self) -> Self:
        for work in (self._read(), self._keep()):
            self._open.push_async_callback(_ended, asyncio.create_task(work))
        self._ids["session_id"] = (await self._ask({"janus": "create"}))["data"]["id"]
        attached = await self._ask({"janus": "attach", "plugin": "janus.plugin.videocall"})
        self._ids["handle_id"] = attached["data"]["id"]
        await self.say({"request": "register", "username": self._name})
        await self.event("registered")
        return self

    async def __aexit__(self, *fault: object) -> None:
        await self._open.aclose()

    async def _ask(self, request: Event) -> Event:
        self._sent += 1
        answer: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._answers[str(self._sent)] = answer
        await self._socket.send_json({**request, **self._ids, "transaction": str(self._sent)})
        async with asyncio.timeout(ANSWER_DEADLINE_S):
            said = await answer
        if said["janus"] == "error":
            raise ConnectionError(f"Janus: {said['error']['reason']}")
        return said

    async def say(self, body: Event, jsep: Event | None = None) -> None:
        """A message to the plugin; what it has to say comes as an event."""
        await self._ask({"janus": "message", "body": body, **({"jsep": jsep} if jsep else {})})

    async def event(self, name: str) -> Event:
        """The next event of this name; others before it are let go. Raises ConnectionError with the plugin's sentence."""
        async with asyncio.timeout(ANSWER_DEADLINE_S):
            while True:
                said = await self._heard.get()
                data = said.get("plugindata", {}).get("data", {})
                if "error" in data:
                    raise ConnectionError(f"Janus: {data['error']}")
                if data.get("result", {}).get("event") == name:
                    return said

    async def _read(self) -> None:
        async for message in self._socket:
            said = message.json()
            if said["janus"] == "event":  # may overtake the acknowledgement of the message that it answers
                self._heard.put_nowait(said)
                continue
            answer = self._answers.pop(said.get("transaction", ""), None)
            if answer is not None and not answer.done():
                answer.set_result(said)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(KEEP_EVERY_S)
            await self._ask({"janus": "keepalive"})


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def janus_calls(clip: Clip, calls: int, *, library: Path) -> AsyncIterator[Standing]:
    """Each pair calls and accepts as the plugin wants it: transport is set up only when the callee accepts."""
    async with AsyncExitStack() as open_things:
        folder = Path(open_things.enter_context(tempfile.TemporaryDirectory(prefix="loupe-bench-")))
        janus = await open_things.enter_async_context(JanusServer(folder, library))
        http = await open_things.enter_async_context(aiohttp.ClientSession())
        standing = Standing(janus.pid)
        for number in range(calls):
            names = [f"caller{number}", f"callee{number}"]
            caller, callee = [
                await open_things.enter_async_context(JanusUser(http, janus.port, name)) for name in names
            ]
            pair = (
                await open_things.enter_async_context(PromptClient(clip, host=ANY_IPV4)),
                await open_things.enter_async_context(PromptClient(clip, host=ANY_IPV4)),
            )
            asked_ns = time.monotonic_ns()
            await caller.say({"request": "call", "username": names[1]}, {"type": "offer", "sdp": pair[0].offer()})
            offered = (await callee.event("incomingcall"))["jsep"]["sdp"]
            answered_ns = time.monotonic_ns()
            await callee.say({"request": "accept"}, {"type": "answer", "sdp": pair[1].offer()})
            answer = (await caller.event("accepted"))["jsep"]["sdp"]
            await asyncio.gather(
                standing.connect(pair[0], answer, asked_ns), standing.connect(pair[1], offered, answered_ns)
            )
            for client in pair:
                client.start()
            for user, name in zip((caller, callee), names, strict=True):
                await user.say({"request": "set", "record": True, "filename": str(folder / name)})
                await user.event("set")
            await standing.answered(pair, answered_ns)
        yield standing
