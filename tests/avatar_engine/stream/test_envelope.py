"""What one process packs, another unpacks; anything else is a WireError."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar_engine.errors import WireError
from avatar_engine.stream.codec import CodecConfig
from avatar_engine.stream.envelope import MAX_AUDIO_PACKETS, MediaEnvelope

CONFIG = CodecConfig(width=512, height=288, fps=25, avcc=bytes.fromhex("0142c01effe100"), preskip=120)

u32, u64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
configs = st.builds(
    CodecConfig,
    width=st.integers(2, 8192),
    height=st.integers(2, 8192),
    fps=st.integers(1, 120),
    avcc=st.binary(min_size=6, max_size=200).map(lambda tail: b"\x01" + tail),
    preskip=st.integers(0, 48_000),
)
envelopes = st.builds(
    MediaEnvelope,
    epoch=u64,
    seq=u32,
    generation=u32,
    pts=u64,
    wall_us=u64,
    video=st.binary(min_size=1, max_size=300),
    audio=st.lists(st.binary(min_size=1, max_size=80), max_size=MAX_AUDIO_PACKETS).map(tuple),
    config=st.none() | configs,
    speaking=st.booleans(),
    idle=st.booleans(),
)


def build_envelope(**fields) -> MediaEnvelope:
    values = {"epoch": 1, "seq": 2, "generation": 3, "pts": 3840, "wall_us": 4, "video": b"v", "audio": (b"a", b"b")}
    return MediaEnvelope(**(values | fields))


@given(envelope=envelopes)
def test_unpack_reverses_pack(envelope):
    assert MediaEnvelope.unpack(envelope.pack()) == envelope


@given(envelope=envelopes, data=st.data())
def test_every_shorter_or_longer_message_is_refused(envelope, data):
    packed = envelope.pack()
    cut = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(WireError):
        MediaEnvelope.unpack(packed[:cut])
    with pytest.raises(WireError):
        MediaEnvelope.unpack(packed + b"\0")


@given(envelope=envelopes, data=st.data())
def test_changed_bytes_give_an_envelope_or_a_wire_error(envelope, data):
    packed = bytearray(envelope.pack())
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    try:
        again = MediaEnvelope.unpack(bytes(packed))
    except WireError:
        return
    assert MediaEnvelope.unpack(again.pack()) == again


@given(noise=st.binary(max_size=300))
def test_noise_is_a_wire_error(noise):
    with pytest.raises(WireError):
        MediaEnvelope.unpack(b"FLM1" + noise[:30])
    with pytest.raises(WireError):
        MediaEnvelope.unpack(noise)


@pytest.mark.parametrize(
    "config",
    [
        b"",
        b"[]",
        b"{}",
        b"7",
        b"\xff",
        b"[" * 3000,
        b'{"width":1.5,"height":2,"fps":25,"preskip":0,"avcc":"","audio":"opus"}',
    ],
)
def test_malformed_codec_config_is_a_wire_error(config):
    with pytest.raises(WireError):
        CodecConfig.from_json(config)


def test_codec_config_that_names_another_codec_than_its_avcc_is_refused():
    with pytest.raises(WireError):
        CodecConfig.from_json(CONFIG.to_json().replace(b"avc1.42c01e", b"avc1.64001f"))


def test_mime_names_profile_and_level_of_the_avcc():
    assert CONFIG.mime == 'video/mp4; codecs="avc1.42c01e,opus"'


def test_header_stands_where_the_protocol_says():
    packed = build_envelope(speaking=True).pack()
    assert packed[:8] == b"FLM1" + bytes([4, 2, 0, 0])
    assert int.from_bytes(packed[8:16], "little") == 1
    assert int.from_bytes(packed[24:32], "little") == 3840
    assert packed[44:] == bytes([1, 0, 1, 0]) + b"vab"


@pytest.mark.parametrize("fields", [{"video": b""}, {"audio": (b"",)}, {"seq": -1}, {"epoch": 2**64}])
def test_envelope_that_the_wire_cannot_carry_is_not_packed(fields):
    with pytest.raises(ValueError, match=r"media envelope|video|sound"):
        build_envelope(**fields).pack()
