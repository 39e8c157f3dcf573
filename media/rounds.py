"""One thread writes what all journals of this process hold. A thread for each, woken 2.5 times a second, cost three times what
the writing does; and twenty at once took a busy processor from the calls themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable

Write = Callable[[], None]


class Rounds:
    """Calls each `Write` in turn, `every_s` seconds after the last round and when asked. What one raises ends the rounds."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._writes: tuple[Write, ...] = ()
        self._thread: threading.Thread | None = None

    def join(self, write: Write) -> None:
        with self._lock:
            self._writes = (*self._writes, write)
            if self._thread is None:
                self._thread = threading.Thread(target=self._go, name="journals", daemon=True)
                self._thread.start()

    def leave(self, write: Write) -> None:
        """A round that is under way may still call it once. After the last one's leaving the thread ends."""
        with self._lock:
            self._writes = tuple(other for other in self._writes if other != write)
        self._wake.set()

    def now(self) -> None:
        """Asks for a round; returns at once."""
        self._wake.set()

    def _go(self) -> None:
        while True:
            self._wake.wait(self._every_s)
            self._wake.clear()
            with self._lock:
                writes = self._writes
                if not writes:
                    self._thread = None
                    return
            for write in writes:
                write()
