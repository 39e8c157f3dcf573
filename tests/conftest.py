from __future__ import annotations

import itertools
import os
import signal

import pytest

# A shell that starts something in the background has it ignore Ctrl-C, and so would all that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


LONG = ("journeys", "loadtest", "examples")


@pytest.hookimpl(trylast=True)  # after those that were not asked for are gone
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests come first, so that none is still under way when all others are done. They wait more than they work: one
    worker begins with the short ones, which work when the others wait."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    modules: dict[str, list[pytest.Item]] = {}
    for item in items:
        modules.setdefault(item.nodeid.partition("::")[0], []).append(item)
    is_long = {module: module.split("/")[1] in LONG for module in modules}
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for number, module in enumerate(module for module in modules if is_long[module]):
        shares[number % max(1, workers - 1)] += modules[module]
    others = iter([item for module in modules if not is_long[module] for item in modules[module]])
    for share in shares:
        share += itertools.islice(others, max(0, len(items) // workers - len(share)))
    items[:] = [*itertools.chain(*shares), *others]
