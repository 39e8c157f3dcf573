"""The store that the signaling tests stand on keeps the contract of the real ones."""

from __future__ import annotations

import inspect

import pytest

from domain.conversation_ports import ConversationStore
from domain.people import Customer, Staff
from tests.contracts import (
    test_conversation_devices,
    test_conversation_inbox,
    test_conversation_reading,
    test_conversation_writing,
)
from tests.support.houses import MemoryPeople
from tests.support.kept import NOW, SHOP
from tests.support.memory_streams import MemoryConversations
from tests.support.said import OTHER_SHOP

CONTRACT = (test_conversation_writing, test_conversation_reading, test_conversation_inbox, test_conversation_devices)


@pytest.fixture
def store() -> ConversationStore:
    people = MemoryPeople()
    people.shops = {SHOP.id: SHOP, OTHER_SHOP.id: OTHER_SHOP}
    for name, shop_id in (("ann", "shop-1"), ("bob", "shop-1"), ("far", "shop-2")):
        people.customers[name] = Customer(id=name, shop_id=shop_id, name=name.title(), created_at=NOW)
    for number, shop_id in ((1, "shop-1"), (2, "shop-1"), (9, "shop-2")):
        name, username = f"S{number}", f"u{number}"
        staff = Staff(id=f"s-{number}", shop_id=shop_id, username=username, name=name, password_hash="-")
        people.staff_by_id[staff.id] = staff
    return MemoryConversations(people)


for nouns in CONTRACT:
    for name, promise in vars(nouns).items():
        if name.startswith("test_") and "store" in inspect.signature(promise).parameters:
            globals()[name] = promise
