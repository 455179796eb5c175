"""Encoded, wrapped and decoded again by another decoder: what a page would see and hear."""

import io
import itertools

import av
import cv2
import numpy as np
import pytest

from avatar_engine.errors import UnknownEngine
from avatar_engine.stream.encoder import H264OpusEncoder, default_kbps
from avatar_engine.stream.envelope import MediaEnvelope
from avatar_engine.stream.fmp4 import build_fragment, build_init
from avatar_engine.stream.h264 import build_avcc, build_avcc_unit, split_annexb
from avatar_engine.stream.registry import build_encoder
from avatar_engine.timing import FPS, SAMPLE_RATE_HZ, SAMPLES_PER_FRAME

SIDE = 128
BT601, LIMITED_RANGE = 6, 1
ROOM_START = 10 * SAMPLE_RATE_HZ
SILENCE = np.zeros(SAMPLES_PER_FRAME, np.int16)


def build_picture(number: int) -> np.ndarray:
    """A soft coloured pattern that moves."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    waves = [np.sin((x + number * 2) / 13), np.cos((y - number) / 17), np.sin((x + y + number) / 23)]
    return (np.stack(waves, axis=-1) * 90 + 128).astype(np.uint8)


def encode(frames, **options) -> tuple[H264OpusEncoder, list[MediaEnvelope]]:
    encoder = H264OpusEncoder(SIDE, SIDE, **options)
    envelopes = [
        encoder.encode(rgb, pcm, epoch=1, pts=number * SAMPLES_PER_FRAME, speaking=False, generation=0)
        for number, (rgb, pcm) in enumerate(frames)
    ]
    return encoder, envelopes


def build_movie(encoder: H264OpusEncoder, envelopes: list[MediaEnvelope]) -> bytes:
    preskip = encoder.config.preskip
    fragments = (build_fragment(i, e, ROOM_START + e.pts, preskip) for i, e in enumerate(envelopes))
    return build_init(encoder.config) + b"".join(fragments)


def decode(movie: bytes, kind: str) -> list[av.VideoFrame] | list[av.AudioFrame]:
    with av.open(io.BytesIO(movie)) as container:
        return list(container.decode(**{kind: 0}))


def test_decoded_pictures_are_all_there_at_their_times_and_look_alike():
    pictures = [build_picture(number) for number in range(120)]
    encoder, envelopes = encode((rgb, SILENCE) for rgb in pictures)
    frames = decode(build_movie(encoder, envelopes), "video")
    assert [frame.pts - ROOM_START for frame in frames] == [n * SAMPLES_PER_FRAME for n in range(120)]
    for picture, frame in zip(pictures, frames, strict=True):
        assert cv2.PSNR(picture, frame.to_ndarray(format="rgb24")) > 30


def test_colours_are_declared_as_what_they_are():
    red = np.zeros((SIDE, SIDE, 3), np.uint8)
    red[:] = (200, 30, 60)
    encoder, envelopes = encode([(red, SILENCE)] * 3)
    frame = decode(build_movie(encoder, envelopes), "video")[-1]
    assert (frame.colorspace, frame.color_range) == (BT601, LIMITED_RANGE)
    assert np.abs(frame.to_ndarray(format="rgb24").astype(int).mean((0, 1)) - (200, 30, 60)).max() < 4


def test_flash_and_click_come_out_together():
    """The sound leaves the decoder at the very sample of the flash, within the blur of the codec's window."""
    flashes = [30, 65, 101]
    black, white = np.full((SIDE, SIDE, 3), 16, np.uint8), np.full((SIDE, SIDE, 3), 235, np.uint8)
    click = SILENCE.copy()
    click[:48] = (np.sin(np.arange(48) * 2 * np.pi * 3000 / SAMPLE_RATE_HZ) * 20_000).astype(np.int16)
    encoder, envelopes = encode((white, click) if n in flashes else (black, SILENCE) for n in range(125))
    movie = build_movie(encoder, envelopes)

    lit = [f.pts - ROOM_START for f in decode(movie, "video") if f.to_ndarray(format="gray").mean() > 128]
    assert lit == [n * SAMPLES_PER_FRAME for n in flashes]

    heard = decode(movie, "audio")
    starts = [frame.pts - ROOM_START for frame in heard]
    assert all(after - before == 960 for before, after in itertools.pairwise(starts))
    sound = np.abs(np.concatenate([frame.to_ndarray().reshape(-1) for frame in heard]))
    for start in lit:
        at = start - starts[0]
        window = sound[at - 480 : at + 960]
        energy = np.cumsum(np.square(window.astype(np.float64)))
        centre = int(np.searchsorted(energy, energy[-1] / 2)) - 480
        assert abs(centre - 24) <= 12


def test_sound_survives():
    tone = (np.sin(np.arange(SAMPLES_PER_FRAME * 50) * 2 * np.pi * 440 / SAMPLE_RATE_HZ) * 8000).astype(np.int16)
    frames = ((build_picture(n), tone[n * SAMPLES_PER_FRAME : (n + 1) * SAMPLES_PER_FRAME]) for n in range(50))
    encoder, envelopes = encode(frames)
    heard = decode(build_movie(encoder, envelopes), "audio")
    assert len(heard) == 100
    sound = np.concatenate([frame.to_ndarray().reshape(-1) for frame in heard])[4800:-4800]
    expected = tone[4800 - encoder.config.preskip :][: len(sound)] / 32768
    assert np.corrcoef(sound, expected)[0, 1] > 0.99


def test_each_call_gives_its_own_frame_and_both_its_packets():
    _, envelopes = encode((build_picture(n), SILENCE) for n in range(5))
    assert [e.pts for e in envelopes] == [n * SAMPLES_PER_FRAME for n in range(5)]
    assert [e.seq for e in envelopes] == list(range(5))
    assert all(len(e.audio) == 2 and e.video for e in envelopes)


def test_key_frames_every_two_seconds_and_no_parameter_sets_in_the_stream():
    encoder, envelopes = encode((build_picture(n), SILENCE) for n in range(101))
    assert [e.seq for e in envelopes if e.key] == [0, 50, 100]
    assert all(e.config == encoder.config for e in envelopes if e.key)
    for envelope in envelopes:
        assert {unit & 0x1F for unit in read_nal_types(envelope.video)} == ({5} if envelope.key else {1})


def read_nal_types(access_unit: bytes) -> list[int]:
    types, at = [], 0
    while at < len(access_unit):
        types.append(access_unit[at + 4])
        at += 4 + int.from_bytes(access_unit[at : at + 4], "big")
    assert at == len(access_unit)
    return types


def test_key_frame_comes_when_asked_for_but_at_most_once_a_second():
    encoder = H264OpusEncoder(SIDE, SIDE)
    keys = []
    for number in range(45):
        if number >= 3:
            encoder.request_keyframe()
        envelope = encoder.encode(
            build_picture(number), SILENCE, epoch=1, pts=number * SAMPLES_PER_FRAME, speaking=False, generation=0
        )
        keys += [number] if envelope.key else []
    assert keys == [0, 3, 3 + FPS]


def test_envelope_says_what_it_was_told_and_when():
    encoder = H264OpusEncoder(SIDE, SIDE, wall=lambda: 12.5)
    envelope = encoder.encode(build_picture(0), SILENCE, epoch=7, pts=0, speaking=True, generation=9, idle=True)
    assert (envelope.epoch, envelope.generation, envelope.wall_us) == (7, 9, 12_500_000)
    assert (envelope.speaking, envelope.idle) == (True, True)


def test_no_second_has_more_than_one_and_a_half_times_the_bit_rate():
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    frames = []
    for number in range(150):
        wild = np.sin(x * (number % 7 + 1) / 9) * np.cos(y * (number % 5 + 1) / 7 + number)
        frames.append((np.repeat((wild * 90 + 128).astype(np.uint8)[..., np.newaxis], 3, axis=2), SILENCE))
    _, envelopes = encode(frames, video_kbps=300)
    bits = [len(e.video) * 8 for e in envelopes]
    assert sum(bits) / 6 < 300_000 * 1.1
    assert max(sum(bits[at : at + FPS]) for at in range(len(bits) - FPS)) < 1.5 * 300_000


def test_bit_rate_grows_with_the_picture_but_slower():
    assert default_kbps(512, 512) == 1000
    assert 1800 <= default_kbps(1280, 720) <= 2200


@pytest.mark.parametrize(
    ("rgb", "pcm"),
    [
        (np.zeros((SIDE, SIDE + 2, 3), np.uint8), SILENCE),
        (np.zeros((SIDE, SIDE, 3), np.float32), SILENCE),
        (np.zeros((SIDE, SIDE, 3), np.uint8), SILENCE[:960]),
        (np.zeros((SIDE, SIDE, 3), np.uint8), SILENCE.astype(np.float32)),
    ],
)
def test_other_shapes_are_refused(rgb, pcm):
    with pytest.raises(ValueError, match="wants"):
        H264OpusEncoder(SIDE, SIDE).encode(rgb, pcm, epoch=1, pts=0, speaking=False, generation=0)


def test_odd_sides_are_refused():
    with pytest.raises(ValueError, match="even"):
        H264OpusEncoder(101, 100)


def test_fragment_cannot_start_before_its_sound():
    encoder, (envelope,) = encode([(build_picture(0), SILENCE)])
    with pytest.raises(ValueError, match="lead-in"):
        build_fragment(1, envelope, 0, encoder.config.preskip)


def test_frame_without_sound_is_a_fragment_too():
    encoder, (envelope,) = encode([(build_picture(0), SILENCE)])
    silent = MediaEnvelope(1, 0, 0, 0, 0, envelope.video, (), envelope.config)
    movie = build_init(encoder.config) + build_fragment(1, silent, ROOM_START, encoder.config.preskip)
    assert len(decode(movie, "video")) == 1


def test_start_codes_of_both_lengths_are_understood():
    sps, pps, picture = b"\x67\x42\xc0\x1e\x01", b"\x68\xce", b"\x65\x00\x00\x03\x01"
    stream = b"\0\0\0\1" + sps + b"\0\0\1" + pps + b"\0\0\0\1" + b"\x06\x05\x80" + b"\0\0\1" + picture
    assert list(split_annexb(stream)) == [sps, pps, b"\x06\x05\x80", picture]
    assert build_avcc(stream).hex() == "0142c01effe1000567" + sps[1:].hex() + "010002" + pps.hex()
    assert build_avcc_unit(stream) == b"\0\0\0\5" + picture


def test_extradata_without_picture_parameters_is_refused():
    with pytest.raises(ValueError, match="parameter sets"):
        build_avcc(b"\0\0\0\1\x67\x42\xc0\x1e\x01")


def test_unknown_encoder_lists_the_choices():
    with pytest.raises(UnknownEngine, match="h264"):
        build_encoder("h265", SIDE, SIDE)
    assert build_encoder("h264", SIDE, SIDE, video_kbps=500).config.width == SIDE
