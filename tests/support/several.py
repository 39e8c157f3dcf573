"""Two real servers on one PostgreSQL and one Redis, behind a balancer that knows nothing of who comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientSession, CookieJar

from loadtest.server_process import LoupeServer, free_port
from tests.support.balancer import Balancer, balancer
from tests.support.databases import Cluster
from tests.support.redis import RedisServer, redis_server


@dataclass
class Several:
    servers: list[LoupeServer]
    cluster: Cluster
    redis: RedisServer
    balancer: Balancer

    @property
    def base(self) -> str:
        return self.balancer.base

    @property
    def password(self) -> str:
        return str(self.servers[0].facts["password"])

    async def figures(self, server: LoupeServer, username: str = "lin") -> dict[str, float]:
        """What `GET /api/stats` of this one says."""
        async with ClientSession(server.base, cookie_jar=CookieJar(unsafe=True)) as browser:
            body = {"username": username, "password": self.password}
            async with browser.post("/api/sign-in", json=body) as said:
                assert said.status == 200, await said.text()
            async with browser.get("/api/stats") as said:
                found: dict[str, float] = await said.json()
                return found

    async def keeper(self) -> LoupeServer:
        """The one that keeps the demonstration shop's floor."""
        [found] = [s for s in self.alive() if (await self.figures(s))["keeping_floors"] == 1]
        return found

    def alive(self) -> list[LoupeServer]:
        return [s for s in self.servers if s.process is not None and s.process.returncode is None]


@asynccontextmanager
async def several(folder: Path, cluster: Cluster) -> AsyncIterator[Several]:
    """They share a data folder, as servers share a file system: the key of cookies, blobs and journals lie there."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(redis_server())
        door = await stack.enter_async_context(balancer([free_port(), free_port()]))
        address = cluster.new_database()
        servers = []
        for number, port in enumerate(door.ports):
            server = LoupeServer(folder / "data")
            server.port = port
            server.log = folder / f"server-{number}.log"
            server.env = {
                "LOUPE_DATABASE_URL": address,
                "LOUPE_REDIS_URL": redis.url,
                "LOUPE_PUBLIC_URL": door.base,
                "LOUPE_NODE_URL": server.base,
            }
            servers.append(await stack.enter_async_context(server))
        yield Several(servers, cluster, redis, door)
