"""Which server keeps a shop's floor: its waiting line, its calls and their media, where several servers share a database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pydantic import BaseModel, ConfigDict

KEPT_FOR_S = 6.0  # a server that does not renew for so long is no longer asked; another one may take its floors
RENEW_EVERY_S = 2.0


class Keeper(BaseModel):
    """`url` is where other servers reach this one. `available`: the shop's people who could answer a customer now, as the
    keeper last said."""

    model_config = ConfigDict(frozen=True)
    shop_id: str
    node: str
    url: str
    available: int = 0


class FloorStore(Protocol):
    """Leases by the database's clock. Whoever changes a call must keep its shop's floor: the store refuses all others in
    the same transaction, so a server that lost a floor without knowing changes nothing."""

    async def keeper(self, shop_id: str, node: str, url: str) -> Keeper:
        """The shop's keeper: this node from now on, when there is none."""

    async def renew(self, node: str, available: Mapping[str, int]) -> set[str]:
        """Keeps what this node keeps, and says how many could answer. Returns the shops that it still keeps."""

    async def deserted(self) -> list[str]:
        """Shops whose keeper is gone."""

    async def leave(self, node: str, shop_id: str | None = None) -> None:
        """Gives one floor up, because nobody is on it; or all of them, for others to take up."""
