from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from avatar_engine.errors import UnknownEngine, WeightsError
from avatar_engine.features.ave import (
    COLUMNS,
    FEATURES,
    WINDOW,
    AveExtractor,
    count_raw_rows,
    first_column,
    stored_rows,
    window,
)
from avatar_engine.features.ave_net import PREFIX, EncoderNet, build_network
from avatar_engine.features.ave_published import SAFE_FILE, TORCH_FILE
from avatar_engine.features.decimate import Decimator
from avatar_engine.features.mel import SILENT, build_mel
from avatar_engine.features.offline import encode_clip
from avatar_engine.features.registry import load_extractor
from avatar_engine.timing import SAMPLES_PER_FRAME
from avatar_engine.types import Float32, Int16
from tests.avatar_engine.features.golden_encoder import build_input, build_state


@pytest.fixture(scope="module")
def extractor() -> AveExtractor:
    return AveExtractor(EncoderNet(build_network(build_state())))


def build_pcm(frames: float, seed: int = 3) -> Int16:
    """Noise that swells and falls four times a second."""
    samples = round(frames * SAMPLES_PER_FRAME)
    swell = np.abs(np.sin(np.arange(samples) * (4 * np.pi / 48_000)))
    noise = np.random.default_rng(seed).normal(0, 6000, samples)
    return np.clip(noise * swell, -32768, 32767).astype(np.int16)


def stream_pieces(extractor: AveExtractor, pcm: Int16, piece: int) -> Float32:
    stream = extractor.open()
    rows = []
    for start in range(0, len(pcm), piece):
        stream.push(pcm[start : start + piece])
        rows.append(stream.take(stream.ready))
    stream.push(np.zeros(0, np.int16), last=True)
    rows.append(stream.take(stream.ready))
    return np.concatenate(rows)


def test_the_network_written_from_weights_is_the_original() -> None:
    net = EncoderNet(build_network(build_state()))
    rows = np.stack([net.encode(columns) for columns in build_input()])
    assert float(rows.mean()) == pytest.approx(0.177355, abs=1e-5)
    assert float(rows.std()) == pytest.approx(0.251180, abs=1e-5)
    n = rows.size
    six = rows.reshape(-1)[[0, n // 7, n // 3, n // 2, 5 * n // 6, n - 1]]
    assert six == pytest.approx([0.019221, 0, 0.307255, 0.251506, 0.457828, 0], abs=1e-5)


def test_weights_in_16_bits_change_little() -> None:
    whole, half = (EncoderNet(build_network(build_state(), half=is_half)) for is_half in (False, True))
    columns = build_input()[0]
    assert float(np.abs(whole.encode(columns) - half.encode(columns)).max()) < 2e-3


def test_the_real_clip_has_as_many_rows_as_the_original_and_double_ends(shared: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    oracle = shared / "data" / "ave_oracle"
    reference = np.load(oracle / "aud_ave.npy")
    sound, _ = soundfile.read(oracle / "audio_16k.flac")
    rows = stored_rows(build_mel(sound), lambda columns: columns.reshape(-1)[:FEATURES] + 0.0)
    assert rows.shape == reference.shape
    for clip in (rows, reference):
        assert np.array_equal(clip[0], clip[1])
        assert np.array_equal(clip[-1], clip[-2])
        assert not np.array_equal(clip[1], clip[2])


@pytest.mark.parametrize("frames", [5, 6, 25, 26, 523, 7500])
def test_a_clip_has_one_row_less_than_frames(frames: int) -> None:
    columns = 1 + frames * 640 // 200
    assert count_raw_rows(columns) + 2 == frames - 1


def test_rows_step_by_three_point_two_columns() -> None:
    assert [first_column(row) for row in range(7)] == [0, 3, 6, 9, 12, 16, 19]
    assert all(first_column(row) == int(3.2 * row) for row in range(200_000))


def test_a_row_hears_its_columns_and_the_last_rows_hear_the_end() -> None:
    mel = np.tile(np.arange(40, dtype=np.float32), (80, 1))
    rows = stored_rows(mel, lambda columns: np.full(FEATURES, columns[0, 0] * 100 + columns[0, -1], np.float32))
    assert [int(row[0]) for row in rows] == [15, 15, 318, 621, 924, 1227, 1631, 1934, 2237, 2439, 2439]


def test_a_window_is_sixteen_rows_around_its_frame_with_zeros_outside() -> None:
    rows = np.arange(1, 31, dtype=np.float32)[:, None].repeat(FEATURES, axis=1)
    assert window(rows, 10)[:, 0].tolist() == [float(n) for n in range(3, 19)]
    assert window(rows, 0)[:, 0].tolist() == [0.0] * 8 + [float(n) for n in range(1, 9)]
    assert window(rows, 29)[:, 0].tolist() == [float(n) for n in range(22, 31)] + [0.0] * 7
    assert not window(rows, 60).any()
    assert not window(rows, -20).any()


@pytest.mark.parametrize("piece", [960, 1920, 2345, 48_000, 240_000])
def test_cutting_the_sound_changes_no_bit(extractor: AveExtractor, piece: int) -> None:
    pcm = build_pcm(31.3)
    whole = stream_pieces(extractor, pcm, len(pcm))
    assert whole.shape == (32, WINDOW, FEATURES)
    assert np.array_equal(stream_pieces(extractor, pcm, piece), whole)


def test_inside_a_clip_the_live_rows_are_those_of_the_whole_clip(extractor: AveExtractor) -> None:
    pcm = build_pcm(40)
    sound = Decimator().push(pcm, last=True)
    rows = stored_rows(build_mel(sound), extractor.encoder.encode)
    live = stream_pieces(extractor, pcm, 960)
    assert len(rows) == len(live) - 1
    for frame in range(9, 28):
        assert np.array_equal(window(rows, frame), live[frame])


def test_a_row_is_ready_eleven_frames_after_its_own(extractor: AveExtractor) -> None:
    stream = extractor.open()
    pcm = build_pcm(30)
    for frame in range(30):
        stream.push(pcm[frame * SAMPLES_PER_FRAME : (frame + 1) * SAMPLES_PER_FRAME])
        assert stream.ready >= max(0, frame + 1 - 11)
    with pytest.raises(ValueError, match="rows asked"):
        stream.take(30)


@pytest.mark.parametrize(("samples", "rows"), [(0, 0), (1, 1), (1920, 1), (1921, 2), (19_201, 11)])
def test_every_started_frame_has_a_row(extractor: AveExtractor, samples: int, rows: int) -> None:
    stream = extractor.open()
    stream.push(np.full(samples, 900, np.int16), last=True)
    assert stream.ready == rows
    assert stream.take(rows).shape == (rows, WINDOW, FEATURES)
    assert stream.ready == 0


@pytest.mark.parametrize("value", [0, 32767, -32768])
def test_silence_and_clipping_give_finite_rows(extractor: AveExtractor, value: int) -> None:
    stream = extractor.open()
    stream.push(np.full(12 * SAMPLES_PER_FRAME, value, np.int16), last=True)
    rows = stream.take(stream.ready)
    assert np.isfinite(rows).all()
    assert rows.min() >= 0


def test_silence_is_one_row_whatever_came_before(extractor: AveExtractor) -> None:
    silent = extractor.encoder.encode(np.full((80, COLUMNS), SILENT, np.float32))
    stream = extractor.open()
    stream.push(np.concatenate([build_pcm(10), np.zeros(40 * SAMPLES_PER_FRAME, np.int16)]), last=True)
    rows = stream.take(stream.ready)
    assert np.array_equal(rows[45], np.tile(silent, (WINDOW, 1)))


@pytest.mark.parametrize("samples", [0, 1, 100, 3199, 3200, 16_000])
def test_the_shortest_clips_have_rows(extractor: AveExtractor, samples: int) -> None:
    rows = stored_rows(build_mel(np.full(samples, 0.1, np.float32)), extractor.encoder.encode)
    assert rows.shape[0] >= 4
    assert np.isfinite(rows).all()


def test_the_published_encoder_wants_its_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=TORCH_FILE):
        load_extractor("ave", tmp_path)
    with pytest.raises(WeightsError, match="weights folder"):
        encode_clip(np.zeros(16_000, np.float32), "ave")


def test_the_published_encoder_loads_with_and_without_the_prefix(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    state = {name.removeprefix(PREFIX): value for name, value in build_state().items()}
    safetensors.save_file(state, tmp_path / SAFE_FILE)
    sound: npt.NDArray[np.float32] = np.random.default_rng(0).uniform(-0.3, 0.3, 8000).astype(np.float32)
    rows = encode_clip(sound, "ave", tmp_path)
    named = EncoderNet(build_network(build_state()))
    assert np.array_equal(rows, stored_rows(build_mel(sound), named.encode))


def test_the_published_file_of_torch_loads(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    state = {name.removeprefix(PREFIX): torch.from_numpy(value) for name, value in build_state().items()}
    torch.save(state, tmp_path / TORCH_FILE)
    extractor = load_extractor("ave", tmp_path)
    assert isinstance(extractor, AveExtractor)
    expected = EncoderNet(build_network(build_state())).encode(build_input()[0])
    assert np.array_equal(extractor.encoder.encode(build_input()[0]), expected)


@pytest.mark.parametrize("damage", ["empty", "noise", "cut", "other", "code"])
def test_a_bad_weight_file_is_named(tmp_path: Path, damage: str) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / TORCH_FILE
    torch.save({"layer": torch.zeros(3)} if damage == "other" else {"x": Path if damage == "code" else 1}, path)
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "noise":
        path.write_bytes(bytes(range(256)) * 9)
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(WeightsError, match=r"audio_visual_encoder|lack"):
        load_extractor("ave", tmp_path)


def test_weights_of_another_shape_are_refused() -> None:
    state = build_state()
    state[f"{PREFIX}4.conv_block.0.weight"] = state[f"{PREFIX}4.conv_block.0.weight"][:, :20]
    with pytest.raises(WeightsError, match="layer 4"):
        build_network(state)
    state = build_state()
    state[f"{PREFIX}2.conv_block.0.bias"][3] = np.nan
    with pytest.raises(WeightsError, match="finite"):
        build_network(state)


def test_an_extractor_without_rows_cannot_encode_a_clip() -> None:
    with pytest.raises(UnknownEngine, match="ave_footlight"):
        encode_clip(np.zeros(100, np.float32), "spectral")
