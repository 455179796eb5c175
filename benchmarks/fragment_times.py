"""The decode times in a fragment, read from its bytes as a player reads them."""

from __future__ import annotations

from collections.abc import Iterator

PICTURE, SOUND = 1, 2


def read_decode_times(fragment: bytes) -> dict[int, int]:
    """Track number -> base media decode time, in samples, of every traf of a moof."""
    times: dict[int, int] = {}
    for kind, body in _boxes(fragment):
        if kind != b"moof":
            continue
        for inner, traf in _boxes(body):
            if inner == b"traf":
                parts = dict(_boxes(traf))
                times[int.from_bytes(parts[b"tfhd"][4:8], "big")] = int.from_bytes(parts[b"tfdt"][4:12], "big")
    return times


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at + 8 : at + size]
        at += size
