"""When a datagram reached a client's socket, by the kernel's clock: what the client was busy with then is not in it."""

from __future__ import annotations

import contextlib
import socket
import struct
import time

_SO_TIMESTAMPNS = 35  # asm-generic/socket.h; the option and the kind of the control message have one number
_STAMP = struct.Struct("qq")  # struct timespec: seconds and nanoseconds of the wall clock
_ROOM = socket.CMSG_SPACE(_STAMP.size)
_LONGEST_WAIT_NS = 10_000_000_000  # more, or less than nothing: the wall clock was set meanwhile


def stamp_arrivals(sock: socket.socket) -> None:
    """Asks for the kernel's stamps. Where there are none, `receive` gives the moment of its own call."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


def receive(sock: socket.socket) -> tuple[bytes, tuple[str, int], int]:
    """A datagram, who sent it, and the `time.monotonic_ns` of its arrival. Raises as `recvmsg` does."""
    data, told, _, address = sock.recvmsg(2048, _ROOM)
    now_ns = time.monotonic_ns()
    for level, kind, stamp in told:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(stamp) == _STAMP.size:
            seconds, rest = _STAMP.unpack(stamp)
            waited_ns = time.time_ns() - (seconds * 1_000_000_000 + rest)
            if 0 <= waited_ns < _LONGEST_WAIT_NS:
                return data, address, now_ns - waited_ns
    return data, address, now_ns
