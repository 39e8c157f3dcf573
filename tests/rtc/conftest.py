from __future__ import annotations

import pytest

from rtc.forwarder import Forwarder


@pytest.fixture
def forwarder() -> Forwarder:
    return Forwarder()
