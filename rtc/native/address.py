"""Socket addresses as the kernel has them, and as Python's sockets call them."""

from __future__ import annotations

import socket
import struct
from ctypes import Array, c_uint8

from rtc.ice import Address


def unpack_address(raw: bytes) -> Address:
    """Takes a `sockaddr_in` or `sockaddr_in6`."""
    port = int.from_bytes(raw[2:4], "big")
    if len(raw) == 16:
        return socket.inet_ntop(socket.AF_INET, raw[4:8]), port
    flow, scope = int.from_bytes(raw[4:8], "big"), int.from_bytes(raw[24:28], "little")
    return socket.inet_ntop(socket.AF_INET6, raw[8:24]), port, flow, scope


def pack_address(address: Address) -> bytes:
    """`unpack_address` backwards."""
    if len(address) == 2:
        host, port = address
        return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(host) + bytes(8)
    host, port, flow, scope = address
    head = struct.pack("=H", socket.AF_INET6) + struct.pack("!HI", port, flow)
    return head + socket.inet_pton(socket.AF_INET6, host) + struct.pack("=I", scope)


def put_address(field: Array[c_uint8], raw: bytes) -> int:
    """Writes what `pack_address` made into a field of 32 bytes; answers how many they are."""
    field[: len(raw)] = list(raw)
    return len(raw)
