"""The machine's own addresses: what a phone on the same network can reach."""

from __future__ import annotations

from ipaddress import ip_address

import ifaddr


def own_addresses() -> list[str]:
    """IPv4 addresses of this machine's interfaces without loopback and link-local ones, in the system's order."""
    found: list[str] = []
    for adapter in ifaddr.get_adapters():
        for entry in adapter.ips:
            if isinstance(entry.ip, str):
                address = ip_address(entry.ip)
                if not address.is_loopback and not address.is_link_local and entry.ip not in found:
                    found.append(entry.ip)
    return found
