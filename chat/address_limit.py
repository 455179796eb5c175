"""Whom a limit by network address counts, and how many sockets each may hold."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Mapping
from typing import Any

LONGEST_ADDRESS = 64
IPV6_SITE_BITS = 64
"""One customer of a provider gets a whole /64; counting single addresses of it would limit nobody."""


def get_peer_address(scope: Mapping[str, Any]) -> str:
    """The address that the server saw: the other end of the connection, or what our own proxy wrote about it.

    The server reads X-Forwarded-For only where FOOTLIGHT_BEHIND_PROXY says that the proxy writes it anew. IPv6
    addresses of one /64 count as one.
    """
    client = scope.get("client")
    text = str(client[0])[:LONGEST_ADDRESS] if client else ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv4Address):
        return text
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address.packed, IPV6_SITE_BITS), strict=False))


class AddressLimit:
    """Counts open sockets, by address and in all."""

    def __init__(self, most: int, most_in_all: int) -> None:
        self._most = most
        self._most_in_all = most_in_all
        self._open: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """Sockets of all addresses."""
        return self._open.total()

    def enter(self, address: str) -> bool:
        """Count one more socket; False, uncounted, where the address or the process already has all it may."""
        if self._open[address] >= self._most or self.open >= self._most_in_all:
            self._forget_empty(address)
            return False
        self._open[address] += 1
        return True

    def leave(self, address: str) -> None:
        """One socket of `address`, counted before, is closed."""
        self._open[address] -= 1
        self._forget_empty(address)

    def _forget_empty(self, address: str) -> None:
        if self._open[address] <= 0:
            del self._open[address]
