"""When a source is asked for a keyframe (RFC 4585 6.3.1, RFC 5104 4.3.1)."""

from __future__ import annotations

from array import array

from rtc.state import KEY_NS, KEYFRAMES

MS = 1_000_000
PAUSE_NS = 500 * MS  # browsers answer each request with a whole keyframe: never more than two a second
FRESH_AFTER_NS = 400 * MS  # a replay is decoded and drawn before phone and tablet work on a fresh keyframe
IDLE_REFRESH_NS = 600 * MS  # while nobody looks: a replay is three pictures of five a second at most
EAGER_TRIES = 10  # after that one request in four pauses: this sender does not answer


class KeyframeRequests:
    """`want` and `due` say whether a request is to be sent now; who calls them sends it. Wanted is wanted until one
    came: `key`, a ring's, tells."""

    __slots__ = ("_asked_ns", "_fresh_due_ns", "_heeded", "_is_wanted", "_key", "_tries", "asked")

    def __init__(self, key: array[int]) -> None:
        self._key = key
        self._heeded = key[KEYFRAMES]
        self.asked = 0
        self._is_wanted = False
        self._asked_ns = -PAUSE_NS
        self._tries = 0
        self._fresh_due_ns = 0  # 0: none

    def _heed(self) -> None:
        if self._key[KEYFRAMES] != self._heeded:
            self._heeded = self._key[KEYFRAMES]
            self._is_wanted = False
            self._tries = self._fresh_due_ns = 0

    @property
    def wanted(self) -> bool:
        self._heed()
        return self._is_wanted

    @wanted.setter
    def wanted(self, is_wanted: bool) -> None:
        self._heed()
        self._is_wanted = is_wanted

    def want(self, now_ns: int) -> bool:
        """Now, or as soon as the last request is old enough (`due` tells)."""
        self.wanted = True
        if now_ns - self._asked_ns < PAUSE_NS:
            return False
        self._asked_ns = now_ns
        self.asked += 1
        self._tries += 1
        return True

    def want_fresh(self, now_ns: int) -> None:
        """A sink has just been given a replay: a fresh one a little later."""
        self._heed()
        self._fresh_due_ns = now_ns + FRESH_AFTER_NS

    def due(self, now_ns: int) -> bool:
        """At each tick."""
        self._heed()
        if self._fresh_due_ns and now_ns >= self._fresh_due_ns:
            self._fresh_due_ns = 0
            self.wanted = True
        pause = PAUSE_NS if self._tries < EAGER_TRIES else 4 * PAUSE_NS
        return self.wanted and now_ns - self._asked_ns >= pause and self.want(now_ns)

    def stale(self, now_ns: int) -> bool:
        """Nobody looks."""
        return now_ns - max(self._key[KEY_NS], self._asked_ns) > IDLE_REFRESH_NS and self.want(now_ns)
