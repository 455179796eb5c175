"""Whatever bytes a peer sends, the link gives a checked value or `WireError`."""

import json
import struct

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from avatar_engine import wire
from avatar_engine.errors import WireError
from avatar_engine.timing import CHUNK_SAMPLES
from avatar_engine.types import Mark

PLAIN = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MARKS = st.builds(
    Mark,
    st.sampled_from(["phoneme", "word"]),
    PLAIN,
    st.floats(0, 60_000),
    st.floats(0, 60_000),
)
SPEECH = st.builds(
    wire.Speech,
    room=PLAIN,
    generation=st.integers(0, 2**31),
    turn=st.integers(0, 2**63),
    sentence=st.integers(0, 2**63),
    seq=st.integers(0, 10_000),
    last=st.booleans(),
    pcm=st.integers(0, wire.MAX_CHUNKS_PER_SPEECH).map(
        lambda chunks: np.arange(chunks * CHUNK_SAMPLES, dtype=np.int64).astype(np.int16)
    ),
    marks=st.lists(MARKS, max_size=5).map(tuple),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


def build_frame(header: object, payload: bytes = b"", kind: int = 1) -> bytes:
    head = json.dumps(header).encode()
    return b"FL" + struct.pack("<BBI", kind, 0, len(head)) + head + payload


@given(SPEECH)
def test_speech_survives_the_wire(speech: wire.Speech) -> None:
    back = wire.unpack_speech(wire.unpack_binary(wire.pack_speech(speech)))
    assert np.array_equal(back.pcm, speech.pcm)
    for name in ("room", "generation", "turn", "sentence", "seq", "last", "marks"):
        assert getattr(back, name) == getattr(speech, name)


@given(st.dictionaries(PLAIN, PLAIN | st.integers() | st.booleans(), max_size=5))
def test_text_message_survives_the_wire(fields: dict) -> None:
    message = {**fields, "type": "report"}
    assert wire.unpack_text(wire.pack_text(message)) == message


@given(st.sampled_from(wire.Kind), PLAIN, st.binary(max_size=100))
def test_binary_frame_survives_the_wire(kind: wire.Kind, name: str, payload: bytes) -> None:
    owner = "clip" if kind in wire.CLIP_KINDS else "room"
    frame = wire.unpack_binary(wire.pack_binary(kind, {owner: name, "index": 3}, payload))
    assert (frame.kind, getattr(frame, owner), frame.header["index"], frame.payload) == (kind, name, 3, payload)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: b"FL\x01\x00" + tail))
def test_any_bytes_are_a_frame_or_refused(data: bytes) -> None:
    try:
        frame = wire.unpack_binary(data)
    except WireError:
        return
    assert isinstance(frame.clip if frame.kind in wire.CLIP_KINDS else frame.room, str)


@given(VALUES, st.binary(max_size=10))
@example([[]] * 3, b"")
def test_any_header_is_a_frame_or_refused(header: object, payload: bytes) -> None:
    try:
        wire.unpack_speech(wire.unpack_binary(build_frame(header, payload)))
    except WireError:
        pass


@given(
    st.fixed_dictionaries(
        {"room": st.just("r")},
        optional={name: VALUES for name in ("generation", "turn", "sentence", "seq", "last", "marks")},
    )
)
@example(
    {"room": "r", "generation": float("inf"), "turn": 1, "sentence": 1, "seq": 0, "last": True, "marks": []},
)
@example(
    {"room": "r", "generation": 1, "turn": 1, "sentence": 1, "seq": 0, "last": 1, "marks": [["word", "a", 0, 10**400]]},
)
def test_any_speech_header_is_speech_or_refused(header: dict) -> None:
    try:
        speech = wire.unpack_speech(wire.unpack_binary(build_frame(header)))
    except WireError:
        return
    assert all(np.isfinite([mark.start_ms, mark.end_ms]).all() for mark in speech.marks)


@given(st.text(max_size=100) | VALUES.map(json.dumps))
def test_any_text_is_a_message_or_refused(data: str) -> None:
    try:
        message = wire.unpack_text(data)
    except WireError:
        return
    assert isinstance(message["type"], str)


def test_nesting_without_end_is_refused() -> None:
    deep = b"[" * 60_000
    with pytest.raises(WireError):
        wire.unpack_binary(b"FL" + struct.pack("<BBI", 1, 0, len(deep)) + deep)
    with pytest.raises(WireError):
        wire.unpack_text(deep.decode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"FL\x01\x00",
        b"XX" + build_frame({"room": "r"})[2:],
        build_frame({"room": "r"}, kind=9),
        build_frame({"room": 5}),
        build_frame(["room"]),
        b"FL" + struct.pack("<BBI", 1, 0, 99) + b"{}",
        b"FL" + struct.pack("<BBI", 1, 0, wire.MAX_HEADER_BYTES + 1) + b"{}",
        bytes(wire.MAX_HEADER_BYTES + wire.MAX_PAYLOAD_BYTES + 1),
    ],
)
def test_bad_frame_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        wire.unpack_binary(data)


@pytest.mark.parametrize("size", [1, CHUNK_SAMPLES * 2 - 2, CHUNK_SAMPLES * 2 * (wire.MAX_CHUNKS_PER_SPEECH + 1)])
def test_speech_of_broken_or_too_many_chunks_is_refused(size: int) -> None:
    header = {"room": "r", "generation": 1, "turn": 1, "sentence": 1, "seq": 0, "last": False, "marks": []}
    with pytest.raises(WireError):
        wire.unpack_speech(wire.unpack_binary(build_frame(header, bytes(size))))
