"""The one UDP socket: how it is made, and which addresses reach it."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import ifaddr

# A keyframe of a phone's camera is 100-300 kB in one burst; several may meet in one wake-up of a busy loop.
_BUFFER_BYTES = 4 * 1024 * 1024
_WILDCARDS = ("", "0.0.0.0", "::")


def bound_socket(host: str, port: int) -> socket.socket:
    """A non-blocking socket on `host`. A wildcard host listens on IPv6 and IPv4 together where the machine has both."""
    if host in _WILDCARDS:
        try:
            return _bind(socket.AF_INET6, "::", port, dual=True)
        except OSError:
            return _bind(socket.AF_INET, "0.0.0.0", port, dual=False)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return _bind(family, host, port, dual=False)


def _bind(family: socket.AddressFamily, host: str, port: int, *, dual: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual else 1)
        # The kernel silently gives less when its limit (net.core.rmem_max) is lower.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock


def reachable_addresses(host: str) -> list[str]:
    """What a candidate may say for a socket bound to `host`: itself, or for a wildcard the interfaces' addresses.

    IPv4 first; link-local ones are left out; loopback only when the machine has nothing else.
    """
    if host not in _WILDCARDS:
        return [host]
    found: list[str] = []
    for adapter in ifaddr.get_adapters():
        for entry in adapter.ips:
            text = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
            address = ip_address(text.partition("%")[0])
            if not (address.is_loopback or address.is_link_local or str(address) in found):
                found.append(str(address))
    found.sort(key=lambda text: ":" in text)
    return found or ["127.0.0.1"]
