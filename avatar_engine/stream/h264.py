"""H.264 byte forms: Annex B in, AVCC out (ISO/IEC 14496-10 annex B, 14496-15)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

NAL_SPS = 7
NAL_PPS = 8
_NOT_PICTURE = frozenset({6, NAL_SPS, NAL_PPS, 9, 12})
_START = b"\x00\x00\x01"


def split_annexb(data: bytes) -> Iterator[bytes]:
    """Yield the NAL units of `data` without start codes."""
    at = data.find(_START)
    while at >= 0:
        begin = at + len(_START)
        at = data.find(_START, begin)
        # A NAL unit never ends in a zero byte, so zeros here belong to the next, longer start code.
        nal = data[begin : at if at >= 0 else len(data)].rstrip(b"\x00")
        if nal:
            yield nal


def build_avcc(extradata: bytes) -> bytes:
    """The decoder configuration record for Annex B parameter sets. Raises `ValueError` where one is missing."""
    nals = list(split_annexb(extradata))
    sps = [nal for nal in nals if nal[0] & 0x1F == NAL_SPS]
    pps = [nal for nal in nals if nal[0] & 0x1F == NAL_PPS]
    if len(sps) != 1 or not pps:
        raise ValueError(f"{len(sps)} sequence and {len(pps)} picture parameter sets")
    record = bytearray((1, *sps[0][1:4], 0xFC | 3))
    for marker, sets in ((0xE0, sps), (0, pps)):
        record.append(marker | len(sets))
        for nal in sets:
            record += struct.pack(">H", len(nal)) + nal
    return bytes(record)


def build_avcc_unit(access_unit: bytes) -> bytes:
    """An Annex B access unit as 4-byte length prefixed slices; parameter sets, SEI and filler are left out."""
    slices = (nal for nal in split_annexb(access_unit) if nal[0] & 0x1F not in _NOT_PICTURE)
    return b"".join(struct.pack(">I", len(nal)) + nal for nal in slices)
