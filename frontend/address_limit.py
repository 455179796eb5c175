"""How many sockets one network address may hold."""

from __future__ import annotations

from collections import Counter


class AddressLimit:
    """Counts open sockets by address."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """Count one more socket; False, uncounted, where the address already has all it may."""
        if self._open[address] >= self._most:
            return False
        self._open[address] += 1
        return True

    def leave(self, address: str) -> None:
        """One socket of `address`, counted before, is closed."""
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]
