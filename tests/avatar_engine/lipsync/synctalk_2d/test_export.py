"""What is exported draws what the network draws: float32 exactly, int8 closely."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from avatar_engine.errors import CheckpointError
from avatar_engine.lipsync.synctalk_2d.checkpoint import load_state, save_state
from avatar_engine.lipsync.synctalk_2d.export import (
    FLOAT_FILES,
    INT8_FILES,
    REPORT,
    WEIGHTS,
    export_networks,
    read_model,
    read_report,
)
from avatar_engine.lipsync.synctalk_2d.folded import FoldedNet, Kernel
from avatar_engine.lipsync.synctalk_2d.generator import load_generator
from avatar_engine.lipsync.synctalk_2d.layers import build_reference_tape, build_voice_tape
from avatar_engine.lipsync.synctalk_2d.onnx_graph import build_onnx
from avatar_engine.lipsync.synctalk_2d.onnx_runner import open_onnx
from avatar_engine.lipsync.synctalk_2d.quantised import Scale, join_inputs, quantise, split_outputs
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from tests.avatar_engine.lipsync.synctalk_2d.film import TINY, Film, build_windows, write_weights
from tests.avatar_engine.lipsync.synctalk_2d.golden import build_input, build_picture, fill

torch = pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize(
    "spec",
    [
        TINY,
        NetSpec(160, (8, 12, 16, 24, 48)),
        NetSpec(80, (4, 4, 8, 16), "hubert"),
        NetSpec(80, (4, 4, 8, 32), "wenet"),
        NetSpec(80, (4, 8, 64, 256), "wenet"),
    ],
)
@pytest.mark.parametrize("fine", [False, True])
def test_float32_export_equals_the_network(spec: NetSpec, fine: bool) -> None:
    from avatar_engine.lipsync.synctalk_2d.nets.unet import UNet

    net = fill(UNet(spec))
    picture, audio = build_picture((1, 6, spec.inner, spec.inner), 0.01), build_input((1, *spec.audio_shape), 0.013)
    folded = FoldedNet(spec, {name: tensor.numpy() for name, tensor in net.state_dict().items()})
    tapes = build_reference_tape(folded), build_voice_tape(folded, fine=fine)
    reference, voice = (open_onnx(build_onnx(tape), 1) for tape in tapes)
    maps = reference.run(None, {"picture": picture.numpy()})
    with torch.no_grad():
        wanted_maps, wanted = net.encode_reference(picture)[1:], net(picture, audio)
    for made, map_wanted in zip(maps, wanted_maps, strict=True):
        np.testing.assert_allclose(made, map_wanted.numpy(), atol=2e-6)
    entries = {f"map{number}": made for number, made in enumerate(maps, 1)}
    (drawn,) = voice.run(None, {"picture": picture.numpy(), "audio": audio.numpy(), **entries})
    np.testing.assert_allclose(drawn, wanted.numpy(), atol=2e-6)


def export(folder: Path, spec: NetSpec = TINY):
    write_weights(folder, spec)
    film = Film(spec, 5)
    return export_networks(folder, spec, [film.crop(i) for i in range(5)], list(build_windows(18)), threads=1)


def test_int8_is_close_to_float32_and_the_report_says_how_close(tmp_path: Path) -> None:
    report = export(tmp_path)
    assert report.int8_psnr_db is not None
    assert report.int8_psnr_db > 45
    assert report.int8
    assert read_report(tmp_path, TINY) == report
    assert {path.name for path in tmp_path.iterdir()} == {WEIGHTS, REPORT, *FLOAT_FILES, *INT8_FILES}


def test_without_sound_only_float32_is_exported(tmp_path: Path) -> None:
    write_weights(tmp_path)
    report = export_networks(tmp_path, TINY, [Film(TINY, 1).crop(0)], [], threads=1)
    assert not report.int8
    assert {path.name for path in tmp_path.iterdir()} == {WEIGHTS, REPORT, *FLOAT_FILES}
    assert read_report(tmp_path, TINY) == report


def scale_weights(folder: Path, factor: float) -> None:
    """Multiply all weights, but no biases, of the network in a folder."""
    state = load_state(folder / WEIGHTS)
    scaled = {name: value * factor if name.endswith(".weight") else value for name, value in state.items()}
    save_state(folder / WEIGHTS, scaled)


@pytest.mark.parametrize("factor", [0.0, 1e-12])
def test_a_network_that_learnt_nothing_is_exported_all_the_same(tmp_path: Path, factor: float) -> None:
    write_weights(tmp_path)
    scale_weights(tmp_path, factor)
    film = Film(TINY, 2)
    report = export_networks(tmp_path, TINY, [film.crop(0), film.crop(1)], list(build_windows(2)), threads=1)
    assert read_report(tmp_path, TINY) == report
    drawn = load_generator(tmp_path, TINY, film, "cpu", 1).generate(np.zeros(1, np.int32), build_windows(1))
    assert drawn.shape == (1, 80, 80, 3)


def test_a_network_without_finite_values_is_refused(tmp_path: Path) -> None:
    write_weights(tmp_path)
    scale_weights(tmp_path, 1e4)
    with pytest.raises(CheckpointError, match="not finite"):
        export_networks(tmp_path, TINY, [Film(TINY, 1).crop(0)], list(build_windows(2)), threads=1)


def test_export_needs_no_torch(tmp_path: Path) -> None:
    write_weights(tmp_path)
    program = f"""
import sys
sys.modules["torch"] = None
from pathlib import Path
import numpy as np
from avatar_engine.lipsync.synctalk_2d.export import export_networks
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
spec = NetSpec({TINY.inner}, {TINY.widths})
square = np.zeros((spec.crop, spec.crop, 3), np.uint8)
export_networks(Path({str(tmp_path)!r}), spec, [square], [np.zeros((16, 512), np.float32)], threads=1)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert read_report(tmp_path, TINY) is not None


def test_report_is_void_once_weights_or_files_change(tmp_path: Path) -> None:
    export(tmp_path)
    assert read_report(tmp_path, NetSpec(80, (4, 8, 12, 32))) is None
    damaged = bytearray(read_model(tmp_path, INT8_FILES[0]))
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / INT8_FILES[0]).write_bytes(damaged)
    assert read_report(tmp_path, TINY) is None
    export(tmp_path)
    assert read_report(tmp_path, TINY) is not None
    (tmp_path / WEIGHTS).write_bytes(b"others")
    assert read_report(tmp_path, TINY) is None


def test_exported_files_do_without_the_weights(tmp_path: Path) -> None:
    report = export(tmp_path)
    (tmp_path / WEIGHTS).unlink()
    assert read_report(tmp_path, TINY) == report


def test_damaged_report_is_no_report(tmp_path: Path) -> None:
    export(tmp_path)
    whole = (tmp_path / REPORT).read_bytes()
    chance = random.Random(5)
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        if chance.random() < 0.3:
            del damaged[chance.randrange(len(damaged)) :]
        (tmp_path / REPORT).write_bytes(damaged)
        report = read_report(tmp_path, TINY)
        assert report is None or report.build_scales()["audio"].factors.shape == (32,)
    for body in ([], {}, None, 3, {"format": 1}):
        (tmp_path / REPORT).write_text(json.dumps(body))
        assert read_report(tmp_path, TINY) is None


def test_weights_of_another_size_are_refused_by_name(tmp_path: Path) -> None:
    write_weights(tmp_path)
    other = NetSpec(80, (4, 8, 12, 32))
    with pytest.raises(CheckpointError, match=r"has|is \(.*instead of|missing"):
        export_networks(tmp_path, other, [Film(other, 1).crop(0)], [], threads=1)
    with pytest.raises(CheckpointError, match="there is no weight file"):
        export_networks(tmp_path / "nowhere", TINY, [Film(TINY, 1).crop(0)], [], threads=1)
    (tmp_path / WEIGHTS).write_bytes(b"\x10\0\0\0\0\0\0\0nonsense")
    with pytest.raises(CheckpointError, match="cannot be read as safetensors"):
        export_networks(tmp_path, TINY, [Film(TINY, 1).crop(0)], [], threads=1)


def test_whole_numbers_stand_for_the_same_convolution() -> None:
    chance = np.random.default_rng(1)
    kernel = Kernel(
        (chance.standard_normal((6, 4, 1, 1)) * np.logspace(-3, 1, 6)[:, None, None, None]).astype(np.float32),
        chance.standard_normal(6).astype(np.float32),
    )
    heard = Scale(np.logspace(-2, 2, 4).astype(np.float32), signed=True)
    made = Scale(np.full(6, 30, np.float32), signed=True)
    whole = quantise(kernel, heard.factors, made.factors, heard.step, depthwise=False)
    x = (chance.uniform(-1, 1, (200, 4)) * heard.factors).astype(np.float32)
    q = heard.to_int8(x).astype(np.int64)
    total = q @ whole.weight[:, :, 0, 0].T.astype(np.int64) + whole.bias
    got = total * (whole.steps * heard.step) * made.factors
    wanted = x @ kernel.weight[:, :, 0, 0].T + kernel.bias
    loudest = (np.abs(kernel.weight[:, :, 0, 0]) * heard.factors).sum(axis=1)
    assert (np.abs(got - wanted) <= 0.015 * loudest + 1e-3).all()


def test_pieces_of_a_fine_channel_add_up_to_it() -> None:
    scale = Scale(np.array([1.0, 2.0], np.float32), signed=True)
    kernel = Kernel(np.eye(2, dtype=np.float32)[:, :, None, None], np.array([0.1, -0.3], np.float32))
    split, pieces = split_outputs(kernel, scale, fine=1)
    x = np.linspace(-1.5, 1.5, 400, dtype=np.float32)[:, None].repeat(2, axis=1)
    made = x @ split.weight[:, :, 0, 0].T + split.bias
    held = pieces.to_int8(made).astype(np.float32) * pieces.factors * pieces.step
    joined, whole = join_inputs(
        Kernel(np.eye(2, dtype=np.float32)[:, :, None, None], np.zeros(2, np.float32)), scale, 1
    )
    np.testing.assert_array_equal(whole.factors, pieces.factors)
    got = held @ joined.weight[:, :, 0, 0].T + joined.bias
    wanted = x + kernel.bias
    assert np.abs(got[:, 1] - wanted[:, 1]).max() <= 0.51 * 2.0 / 127 / 4
    assert np.abs(got[:, 0] - np.clip(wanted[:, 0], -128 / 127, 1)).max() <= 0.51 / 127


def test_a_silent_channel_keeps_its_constant() -> None:
    kernel = Kernel(np.zeros((1, 2, 1, 1), np.float32), np.array([0.25], np.float32))
    whole = quantise(kernel, np.ones(2, np.float32), np.ones(1, np.float32), 1 / 127, depthwise=False)
    assert whole.bias[0] * whole.steps[0] / 127 == pytest.approx(0.25, rel=1e-4)
