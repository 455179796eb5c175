"""Fragmented MP4 (ISO/IEC 14496-12): one init segment, then one fragment a frame, complete when it is made.

Track 1 is avc1, track 2 is Opus, both with a timescale of 48000, so that every time is a sample count.
"""

from __future__ import annotations

import struct

from avatar_engine.stream.codec import CodecConfig
from avatar_engine.stream.envelope import MediaEnvelope
from avatar_engine.timing import CHUNK_SAMPLES, SAMPLE_RATE_HZ, SAMPLES_PER_FRAME

VIDEO_TRACK = 1
SOUND_TRACK = 2
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_SYNC_SAMPLE = 0x02000000
_DELTA_SAMPLE = 0x01010000
_BASE_IS_MOOF = 0x020000
_UNDETERMINED = 0x55C4
# traf header, tfhd, tfdt and the fixed part of trun
_SOUND_TRAF_BYTES = 8 + 16 + 20 + 20
# moof header, mfhd and the whole traf of the picture
_MOOF_BYTES = 8 + 16 + (8 + 16 + 20 + 28)


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _full(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags), *parts)


def build_init(config: CodecConfig) -> bytes:
    """ftyp and moov for `config`."""
    size = struct.pack(">II", config.width << 16, config.height << 16)
    video = _track(VIDEO_TRACK, b"vide", size, 0, _full(b"vmhd", 0, 1, bytes(8)), _avc1(config))
    sound = _track(SOUND_TRACK, b"soun", bytes(8), 0x0100, _full(b"smhd", 0, 0, bytes(4)), _opus())
    mvhd = _full(
        b"mvhd",
        0,
        0,
        struct.pack(">IIIIIH10x", 0, 0, SAMPLE_RATE_HZ, 0, 0x10000, 0x0100),
        _MATRIX,
        bytes(24),
        struct.pack(">I", SOUND_TRACK + 1),
    )
    extends = [
        _full(b"trex", 0, 0, struct.pack(">IIIII", track, 1, duration, 0, 0))
        for track, duration in ((VIDEO_TRACK, SAMPLES_PER_FRAME), (SOUND_TRACK, CHUNK_SAMPLES))
    ]
    ftyp = _box(b"ftyp", b"iso5", struct.pack(">I", 512), b"iso5iso6mp41")
    return ftyp + _box(b"moov", mvhd, video, sound, _box(b"mvex", *extends))


def build_fragment(seq: int, envelope: MediaEnvelope, room_pts: int, preskip: int) -> bytes:
    """moof and mdat: the frame at `room_pts` and its Opus packets.

    The packets stand `preskip` samples (`CodecConfig.preskip`) earlier than the picture. That is where their sound
    lines up with it: what a decoder puts out at time t is then what was spoken at t. Nothing is left for players to
    skip, so dOps says 0; one who joins late would otherwise lose that much sound and run ahead by it.
    Raises `ValueError` where the sound would start before zero.
    """
    if room_pts < preskip:
        raise ValueError(f"a fragment cannot start before {preskip}, the lead-in of its sound")
    sizes = [len(packet) for packet in envelope.audio]
    picture_at = _MOOF_BYTES + (_SOUND_TRAF_BYTES + 4 * len(sizes) if sizes else 0) + 8
    flags = _SYNC_SAMPLE if envelope.key else _DELTA_SAMPLE
    # trun flags: data offset, flags of the first sample, size of every sample
    trun = _full(b"trun", 0, 0x205, struct.pack(">IiII", 1, picture_at, flags, len(envelope.video)))
    trafs = [_traf(VIDEO_TRACK, room_pts, trun)]
    if sizes:
        sound_at = picture_at + len(envelope.video)
        trun = _full(b"trun", 0, 0x201, struct.pack(f">Ii{len(sizes)}I", len(sizes), sound_at, *sizes))
        trafs.append(_traf(SOUND_TRACK, room_pts - preskip, trun))
    moof = _box(b"moof", _full(b"mfhd", 0, 0, struct.pack(">I", seq & 0xFFFFFFFF)), *trafs)
    return b"".join((moof, _box(b"mdat", envelope.video, *envelope.audio)))


def _traf(track: int, decode_time: int, trun: bytes) -> bytes:
    tfhd = _full(b"tfhd", 0, _BASE_IS_MOOF, struct.pack(">I", track))
    return _box(b"traf", tfhd, _full(b"tfdt", 1, 0, struct.pack(">Q", decode_time)), trun)


def _track(track: int, handler: bytes, size: bytes, volume: int, media_header: bytes, sample_entry: bytes) -> bytes:
    """trak with empty sample tables: every sample comes in a fragment."""
    tkhd = _full(b"tkhd", 0, 3, struct.pack(">IIIII8xHHHH", 0, 0, track, 0, 0, 0, 0, volume, 0), _MATRIX, size)
    mdhd = _full(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, SAMPLE_RATE_HZ, 0, _UNDETERMINED, 0))
    hdlr = _full(b"hdlr", 0, 0, bytes(4), handler, bytes(12), b"Footlight\0")
    dinf = _box(b"dinf", _full(b"dref", 0, 0, struct.pack(">I", 1), _full(b"url ", 0, 1)))
    tables = [_full(kind, 0, 0, bytes(4)) for kind in (b"stts", b"stsc", b"stco")]
    stsd = _full(b"stsd", 0, 0, struct.pack(">I", 1), sample_entry)
    stbl = _box(b"stbl", stsd, *tables, _full(b"stsz", 0, 0, bytes(8)))
    return _box(b"trak", tkhd, _box(b"mdia", mdhd, hdlr, _box(b"minf", media_header, dinf, stbl)))


def _avc1(config: CodecConfig) -> bytes:
    entry = struct.pack(">6xH16xHHIIIH32xHh", 1, config.width, config.height, 0x480000, 0x480000, 0, 1, 24, -1)
    return _box(b"avc1", entry, _box(b"avcC", config.avcc))


def _opus() -> bytes:
    entry = struct.pack(">6xH8xHHIHH", 1, 1, 16, 0, SAMPLE_RATE_HZ, 0)
    # version, channels, preskip, input rate, gain, mapping family
    return _box(b"Opus", entry, _box(b"dOps", struct.pack(">BBHIhB", 0, 1, 0, SAMPLE_RATE_HZ, 0, 0)))
