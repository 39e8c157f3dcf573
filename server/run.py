"""Opens a house and keeps it open: stores, media node, live calls, pages; closed in the opposite order."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import resource
import secrets
import signal
import uuid
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import structlog
from aiohttp import web
from rich.console import Console

from domain.bus import Bus
from domain.people import Shop
from server.addresses import own_addresses
from server.banner import Doors, json_line, show
from server.certificate import tls_context
from server.demo import SHOP, SignIn, make_demo
from server.local_node import LocalNode
from server.node_pipe import NodeOptions
from server.node_pool import NodePool
from server.secret import kept_secret
from server.settings import Settings
from server.starting import CannotStart, make_data_folder, reason
from signaling.app import make_app
from signaling.chat import Chat
from signaling.connection_log import connection_logger
from signaling.house import DoorSettings, House
from signaling.http_context import REFUSED
from signaling.keeping import Keeping, join_others
from signaling.links import customer_link
from signaling.live import Live
from signaling.node import MediaNode
from store.blobs import open_blobs
from store.database import SQLITE, open_database

log = structlog.get_logger()
CLOSE_WITHIN_S = 3.0
# From the first byte of a connection, and between two requests: who says nothing whole for so long holds a place for nothing.
IDLE_CONNECTION_S = 30.0
MOST_DESCRIPTORS = 65_536
COMPARE_EVERY_S = 5.0  # another server on the same PostgreSQL may have written


async def serve(settings: Settings, *, demo: bool, demo_staff: int, as_json: bool) -> None:
    """Serves until SIGINT or SIGTERM. Raises CannotStart or a Refusal, each with a sentence, when it cannot begin."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    make_data_folder(settings.data)
    allow_many_connections()
    async with AsyncExitStack() as stack:
        node_id = secrets.token_hex(8) if settings.node_url else ""
        database = await stack.enter_async_context(open_database(settings.database, node=node_id))
        sign_in = await make_demo(database.people, settings.data, staff=demo_staff) if demo else SignIn("", "")
        node, ports, pids = await _open_node(settings, stack)
        door = Door(settings)
        house = House(
            people=database.people,
            calls=database.calls,
            conversations=database.conversations,
            attachments=database.attachments,
            search=database.search,
            data=database.data,
            profiles=database.profiles,
            quick_replies=database.quick_replies,
            blobs=await stack.enter_async_context(open_blobs(settings.data / "blobs")),
            node=node,
            settings=door.settings(kept_secret(settings.data / "secret")),
            now=lambda: datetime.now(UTC),
            new_id=lambda: uuid.uuid4().hex,
        )
        compare_every_s = None if settings.database.startswith(SQLITE) else COMPARE_EVERY_S
        bus = await _open_bus(settings, house, stack)
        chat = await stack.enter_async_context(Chat(house, bus=bus, compare_every_s=compare_every_s))
        live = await stack.enter_async_context(Live(house, chat, is_shared=bool(node_id)))
        app = make_app(house, live, chat)
        if node_id:
            keeping = Keeping(database.floors, live, node_id, settings.node_url)
            join_others(app, await stack.enter_async_context(keeping))
        await door.open(app, stack)
        stack.push_async_callback(live.close)
        stack.push_async_callback(chat.close)
        doors = door.doors(house, SHOP if demo else None, sign_in, ports)
        leave_to_rest()
        _announce(doors, pids, as_json)
        await stop.wait()
        log.info("closing")


async def _open_node(settings: Settings, stack: AsyncExitStack) -> tuple[MediaNode, tuple[int, ...], list[int]]:
    options = NodeOptions(
        host=settings.open_host,
        port=settings.media_port,
        advertise=tuple(settings.advertised or ()),
        journals=str(settings.data.resolve() / "journals"),
        is_native=settings.native,
    )
    if settings.workers:
        pool = await stack.enter_async_context(NodePool(options, settings.workers))
        return pool, pool.ports, [worker.pid for worker in pool.workers]
    local = await stack.enter_async_context(LocalNode(options))
    return local, (local.port,), []


async def _open_bus(settings: Settings, house: House, stack: AsyncExitStack) -> Bus | None:
    """Servers that share the key of their cookies are one house, and hear each other."""
    if not settings.redis_url:
        return None
    from store.redis_bus import open_redis_bus  # the client's imports: only where there is a Redis

    space = hashlib.sha256(b"bus " + house.settings.secret).hexdigest()[:16]
    return await stack.enter_async_context(open_redis_bus(settings.redis_url, space))


def _announce(doors: Doors, worker_pids: list[int], wants_json: bool) -> None:
    if wants_json:
        print(json_line(doors, worker_pids), flush=True)
    else:
        show(doors, Console())


class Door:
    """The listening sockets and the addresses that lead to them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http_port = settings.port
        self._https_port = settings.https_port
        self._urls: list[str] = []

    def settings(self, secret: bytes) -> DoorSettings:
        given = self._settings
        scratch = given.data.resolve() / "scratch"
        scratch.mkdir(exist_ok=True)
        return DoorSettings(
            public_urls=tuple(self._origins()),
            secret=secret,
            web_dist=given.web_dist.resolve(),
            scratch=scratch,
            turn_urls=given.turn_urls,
            turn_secret=given.turn_secret,
            link_days=given.link_days,
        )

    def _origins(self) -> list[str]:
        given = self._settings
        origins = [given.public_url.rstrip("/")] if given.public_url else []
        hosts = own_addresses() if given.open_host in ("0.0.0.0", "::") else [given.open_host]
        if self._https_port:
            origins += [f"https://{host}:{self._https_port}" for host in hosts]
        origins += [f"http://{host}:{self._http_port}" for host in dict.fromkeys(["localhost", given.http_host])]
        return origins

    async def open(self, app: web.Application, stack: AsyncExitStack) -> None:
        runner = web.AppRunner(
            app,
            access_log=None,
            logger=connection_logger(app[REFUSED]),
            shutdown_timeout=CLOSE_WITHIN_S,
            keepalive_timeout=IDLE_CONNECTION_S,
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        given = self._settings
        plain = web.TCPSite(runner, given.http_host, given.port)
        await _listen(plain, given.http_host, given.port, "--port")
        self._http_port = _port_of(plain, given.port)
        if given.https_port is not None:
            tls = tls_context(given.data / "certificate")
            secure = web.TCPSite(runner, given.open_host, given.https_port, ssl_context=tls)
            await _listen(secure, given.open_host, given.https_port, "--tls-port")
            self._https_port = _port_of(secure, given.https_port)

    def doors(self, house: House, shop: Shop | None, sign_in: SignIn, ports: tuple[int, ...]) -> Doors:
        given = self._settings
        local = f"http://{'localhost' if not given.host else given.http_host}:{self._http_port}"
        network = self._origins()[0] if (given.public_url or self._https_port) else local
        path = customer_link(house, shop).removeprefix(house.settings.public_urls[0]) if shop else "/"
        return Doors(
            customer_url=network + path,
            local_customer_url=local + path,
            staff_url=f"{local}/staff",
            network_staff_url=f"{network}/staff",
            username=sign_in.username,
            password=sign_in.password,
            usernames=sign_in.usernames,
            media_ports=ports,
        )


async def _listen(site: web.TCPSite, host: str, port: int, option: str) -> None:
    try:
        await site.start()
    except OSError as fault:
        raise CannotStart(
            f"Port {port} on {host} cannot be used ({reason(fault)}). "
            f"Stop the program that has it, or choose another one with {option}."
        ) from fault


def leave_to_rest() -> None:
    """What is there by now stays: the collector need not walk through it again and again. A full walk held everything up
    for 0.2 s, every few seconds under load; garbage in circles is rare here, so that the younger ones suffice for long."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def allow_many_connections() -> None:
    """Each open page holds a descriptor; the usual soft limit of 1024 is meant for programs that use `select`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _port_of(site: web.TCPSite, wanted: int) -> int:
    server = site._server
    sockets = getattr(server, "sockets", None) or ()
    return next((int(entry.getsockname()[1]) for entry in sockets), wanted)
