"""`domain.floors.FloorStore` on PostgreSQL, and the fence that it puts around calls. SQLite has one server, without it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import (
    Column,
    Connection,
    Float,
    ForeignKey,
    Integer,
    Table,
    bindparam,
    cast,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from domain.errors import Unavailable
from domain.floors import KEPT_FOR_S, Keeper
from store.columns import Words
from store.rows import many, value_of
from store.tables import metadata
from store.transactions import Transactions

ELSEWHERE = "Another server keeps this shop's calls now. Your page connects to it by itself in a moment."
floors = Table(
    "floors",
    metadata,
    Column("shop_id", Words, ForeignKey("shops.id"), primary_key=True),
    Column("node", Words, nullable=False),
    Column("url", Words, nullable=False),
    Column("available", Integer, nullable=False),
    Column("until", Float, nullable=False),  # seconds since 1970 by the database's clock
)
_NOW = cast(func.extract("epoch", func.clock_timestamp()), Float)
_MINE = select(floors.c.node).where(floors.c.shop_id == bindparam("shop")).with_for_update(read=True)
_COUNT = update(floors).where(floors.c.shop_id == bindparam("shop"), floors.c.node == bindparam("by"))


class SqlFloors:
    def __init__(self, transactions: Transactions, *, kept_for_s: float = KEPT_FOR_S) -> None:
        self._transactions = transactions
        self._kept_for_s = kept_for_s

    async def keeper(self, shop_id: str, node: str, url: str) -> Keeper:
        mine = Keeper(shop_id=shop_id, node=node, url=url).model_dump() | {"until": _NOW + self._kept_for_s}
        known = select(floors).where(floors.c.shop_id == shop_id)
        found = await self._transactions.read(lambda c: many(c, known.where(floors.c.until >= _NOW), Keeper))
        if found:
            return found[0]
        claim = insert(floors).values(mine)
        claim = claim.on_conflict_do_update(index_elements=["shop_id"], set_=mine, where=floors.c.until < _NOW)

        def job(connection: Connection) -> Keeper:
            connection.execute(claim)
            return value_of(Keeper, connection.execute(known).one())

        return await self._transactions.write(job)

    async def renew(self, node: str, available: Mapping[str, int]) -> set[str]:
        longer = update(floors).where(floors.c.node == node).values(until=_NOW + self._kept_for_s)
        counts = [{"shop": shop, "by": node, "count": count} for shop, count in available.items()]

        def job(connection: Connection) -> set[str]:
            if counts:
                connection.execute(_COUNT.values(available=bindparam("count")), counts)
            return {row.shop_id for row in connection.execute(longer.returning(floors.c.shop_id))}

        return await self._transactions.write(job)

    async def deserted(self) -> list[str]:
        statement = select(floors.c.shop_id).where(floors.c.until < _NOW).order_by(floors.c.shop_id)
        return await self._transactions.read(lambda c: list(c.execute(statement).scalars()))

    async def leave(self, node: str, shop_id: str | None = None) -> None:
        if shop_id is None:
            await self._transactions.write(
                lambda c: c.execute(update(floors).where(floors.c.node == node).values(until=0))
            )
        else:
            one = delete(floors).where(floors.c.node == node, floors.c.shop_id == shop_id)
            await self._transactions.write(lambda c: c.execute(one))


class Fence:
    """In the transaction that changes a call of a shop: nobody takes the shop's floor before it is committed."""

    def __init__(self, node: str) -> None:
        self._node = node

    def __call__(self, connection: Connection, shop_id: str) -> None:
        """Raises Unavailable when this node does not keep the floor."""
        if connection.execute(_MINE, {"shop": shop_id}).scalar_one_or_none() != self._node:
            raise Unavailable(ELSEWHERE)
