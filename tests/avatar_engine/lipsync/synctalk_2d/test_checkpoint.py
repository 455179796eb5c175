"""Weight files: both formats, both ways of naming, and everything hostile ends in one clear error."""

from __future__ import annotations

import json
import pickle
import random
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from avatar_engine.errors import CheckpointError
from avatar_engine.lipsync.synctalk_2d.checkpoint import guess_spec, load_into, load_metadata, load_state, save_state
from avatar_engine.lipsync.synctalk_2d.spec import PUBLISHED_328, ULTRALIGHT_160, WIDTHS_160, NetSpec

if TYPE_CHECKING:
    from torch import nn

torch = pytest.importorskip("torch")

TINY = NetSpec(80, (4, 4, 8, 16))
DAMAGES = 150


def build_unet(spec: NetSpec = TINY) -> nn.Module:
    from avatar_engine.lipsync.synctalk_2d.nets.unet import UNet

    torch.manual_seed(3)
    return UNet(spec)


def same(first: nn.Module, second: nn.Module) -> bool:
    other = second.state_dict()
    return all(torch.equal(tensor, other[name]) for name, tensor in first.state_dict().items())


def test_saved_weights_come_back_with_their_metadata(tmp_path: Path) -> None:
    net, again = build_unet(), build_unet()
    path = tmp_path / "unet.safetensors"
    save_state(path, net.state_dict(), {"epoch": "7"})
    torch.nn.init.zeros_(again.get_parameter("outc.conv.weight"))
    load_into(again, load_state(path))
    assert same(net, again)
    assert load_metadata(path) == {"epoch": "7"}
    assert [file.name for file in tmp_path.iterdir()] == ["unet.safetensors"]


def test_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "unet.safetensors"
    save_state(path, {"a": torch.zeros(3)})

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space"):
        save_state(path, {"a": torch.ones(3)})
    assert load_state(path)["a"].sum() == 0
    assert [file.name for file in tmp_path.iterdir()] == ["unet.safetensors"]


@pytest.mark.parametrize("wrapped", [False, True])
def test_torch_files_with_newer_ultralight_names_load(tmp_path: Path, wrapped: bool) -> None:
    net, again = build_unet(), build_unet()
    newer = {
        name.replace("maxpool_conv.0.", "maxpool_conv.").replace("inconv.0.", "inconv."): tensor
        for name, tensor in net.state_dict().items()
    }
    assert newer.keys() != net.state_dict().keys()
    path = tmp_path / "9.pth"
    torch.save({"epoch": 9, "model": newer, "optimizer": {"state": {}}} if wrapped else newer, path)
    torch.nn.init.zeros_(again.get_parameter("outc.conv.weight"))
    load_into(again, load_state(path))
    assert same(net, again)


def test_published_audio_encoder_loads_without_its_prefix(tmp_path: Path) -> None:
    from avatar_engine.lipsync.synctalk_2d.nets.audio_encoder import AudioEncoder

    net, again = AudioEncoder(), AudioEncoder()
    path = tmp_path / "audio_visual_encoder.pth"
    torch.save({name.removeprefix("audio_encoder."): tensor for name, tensor in net.state_dict().items()}, path)
    load_into(again, load_state(path))
    assert same(net, again)


@pytest.mark.parametrize(
    "spec", [PUBLISHED_328, ULTRALIGHT_160, NetSpec(160, WIDTHS_160, "wenet"), TINY, NetSpec(160, (8, 12, 24, 40, 48))]
)
def test_spec_is_read_from_the_shapes(spec: NetSpec) -> None:
    with torch.device("meta"):
        assert guess_spec(build_unet(spec).state_dict()) == spec


def test_spec_of_something_else_is_refused() -> None:
    with pytest.raises(CheckpointError, match="not the weights of a picture network"):
        guess_spec({"a": torch.zeros(3)})
    state = build_unet().state_dict()
    state["inc.inconv.0.conv.6.weight"] = torch.zeros(())
    with pytest.raises(CheckpointError, match="not the weights of a picture network"):
        guess_spec(state)


def test_weights_of_another_network_are_refused_by_name() -> None:
    net = build_unet()
    state = dict(net.state_dict())
    weight = state.pop("outc.conv.weight")
    with pytest.raises(CheckpointError, match=r"missing: outc\.conv\.weight"):
        load_into(net, state)
    with pytest.raises(CheckpointError, match=r"not known: stranger"):
        load_into(net, {**state, "outc.conv.weight": weight, "stranger": weight})
    with pytest.raises(CheckpointError, match=r"outc\.conv\.weight is \[3, 2\] instead of \[3, 2, 1, 1\]"):
        load_into(net, {**state, "outc.conv.weight": weight[:, :, 0, 0]})


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"a.running_var": torch.tensor([1.0, -1.0])}, "a.running_var is a variance and has negative values"),
        ({"a": torch.tensor([1.0, float("nan")])}, "a has values that are not finite"),
        ({"a": torch.tensor([float("inf")])}, "a has values that are not finite"),
        ({"a": torch.tensor([1.0 + 1j])}, "no plain array"),
        ({"a": torch.zeros(1).expand(1 << 40)}, "more than"),
        ({"a": torch.eye(3).to_sparse()}, "no plain array"),
        ({"a": "text"}, "not a tensor"),
        ({3: torch.zeros(1)}, "not a tensor"),
        ({}, "no named tensors"),
        ([torch.zeros(1)], "no named tensors"),
        (torch.zeros(1), "no named tensors"),
        (None, "no named tensors"),
    ],
)
def test_unhealthy_content_of_a_torch_file_is_named(tmp_path: Path, entry: object, text: str) -> None:
    path = tmp_path / "x.pth"
    torch.save(entry, path)
    with pytest.raises(CheckpointError, match=text):
        load_state(path)


class Touch:
    """Pickled, it writes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("form", ["zip", "legacy", "plain"])
def test_pickle_with_code_is_refused_and_not_run(tmp_path: Path, form: str) -> None:
    path, witness = tmp_path / "x.pth", tmp_path / "witness"
    content = {"a": torch.zeros(1), "b": Touch(witness)}
    if form == "plain":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(CheckpointError, match="not a usable torch file"):
        load_state(path)
    assert not witness.exists()


def build_safetensors(header: object, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"not weights at all",
        b"PK",
        b"\x80\x02",
        struct.pack("<Q", 1 << 60) + b"{}",
        build_safetensors(b"\xff\xfe"),
        build_safetensors([]),
        build_safetensors({"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}),
        build_safetensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, b"\0" * 4),
        build_safetensors({"a": {"dtype": "F999", "shape": [1], "data_offsets": [0, 4]}}, b"\0" * 4),
        build_safetensors({}),
        build_safetensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"\xff" * 4),
    ],
)
def test_other_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"x\.safetensors"):
        load_state(path)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.pth", tmp_path):
        with pytest.raises(CheckpointError, match="there is no weight file"):
            load_state(path)


@pytest.mark.parametrize("form", ["safetensors", "zip", "legacy"])
def test_damaged_files_load_healthy_or_end_in_the_one_error(tmp_path: Path, form: str) -> None:
    state = {"a.weight": torch.randn(4, 4), "a.running_var": torch.ones(4), "n": torch.tensor(3)}
    path = tmp_path / "x"
    if form == "safetensors":
        save_state(path, state)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=form == "zip")
    whole = path.read_bytes()
    chance = random.Random(form)
    refused = 0
    for _ in range(DAMAGES):
        damaged = bytearray(whole)
        for _ in range(chance.choice((1, 1, 2, 8, 64))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        if chance.random() < 0.3:
            del damaged[chance.randrange(len(damaged)) :]
        path.write_bytes(damaged)
        try:
            loaded = load_state(path)
        except CheckpointError:
            refused += 1
        else:
            assert all(bool(tensor.isfinite().all()) for tensor in loaded.values())
    assert refused > DAMAGES // 10
