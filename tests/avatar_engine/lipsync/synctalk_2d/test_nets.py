"""The networks are the published ones: names, counts, and numbers for deterministic weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from avatar_engine.lipsync.synctalk_2d.spec import PUBLISHED_328, ULTRALIGHT_160, WIDTHS_160, NetSpec
from tests.avatar_engine.lipsync.synctalk_2d.golden import TOLERANCE, build_input, build_picture, fill, sample

if TYPE_CHECKING:
    from torch import nn

torch = pytest.importorskip("torch")

NARROW = NetSpec(160, (8, 16, 24, 32, 48))


@pytest.fixture(autouse=True)
def _one_thread_without_gradients():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.no_grad():
        yield
    torch.set_num_threads(before)


def build_unet(spec: NetSpec) -> nn.Module:
    from avatar_engine.lipsync.synctalk_2d.nets.unet import UNet

    return UNet(spec)


def count(net: nn.Module) -> tuple[int, int, int]:
    """Entries of the state, parameters, values of buffers."""
    return len(net.state_dict()), sum(p.numel() for p in net.parameters()), sum(b.numel() for b in net.buffers())


def drop_index(name: str) -> str:
    """The name of an entry in Ultralight files since 2026-05."""
    return name.replace("maxpool_conv.0.", "maxpool_conv.").replace("inconv.0.", "inconv.")


def check(values, expected: list[float]) -> None:
    assert sample(values) == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize(
    ("spec", "entries", "parameters"),
    [
        (PUBLISHED_328, 556, 12_186_935),
        (NetSpec(audio="hubert"), 556, 12_186_935),
        (NetSpec(audio="wenet"), 556, 12_986_871),
        (ULTRALIGHT_160, 484, 12_159_591),
        (NetSpec(160, WIDTHS_160, "wenet"), 484, 12_796_359),
    ],
)
def test_unet_has_the_published_number_of_entries_and_parameters(spec: NetSpec, entries: int, parameters: int) -> None:
    assert count(build_unet(spec))[:2] == (entries, parameters)


def test_published_unet_keeps_its_names_and_their_order() -> None:
    net = build_unet(PUBLISHED_328)
    names = list(net.state_dict())
    blocks = list(dict.fromkeys(name.partition(".")[0] for name in names))
    ups, downs = [f"up{i}" for i in range(1, 6)], [f"down{i}" for i in range(1, 6)]
    assert blocks == ["audio_model", "fuse_conv", "inc", *downs, *ups, "outc"]
    shapes = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    assert shapes["audio_model.conv3.weight"] == (256, 128, 3, 3)
    assert shapes["audio_model.bn5.running_var"] == (512,)
    assert shapes["fuse_conv.0.double_conv.0.conv.0.weight"] == (2048, 1024, 1, 1)
    assert shapes["inc.inconv.0.conv.3.weight"] == (12, 1, 3, 3)
    assert shapes["down5.maxpool_conv.0.double_conv.1.conv.6.weight"] == (512, 1024, 1, 1)
    assert shapes["up5.conv.double_conv.0.conv.0.weight"] == (128, 64, 1, 1)
    assert shapes["outc.conv.weight"] == (3, 16, 1, 1)
    assert count(net)[2] == 64_652


def test_audio_encoder_has_the_published_names_and_parameters() -> None:
    from avatar_engine.lipsync.synctalk_2d.nets.audio_encoder import AudioEncoder

    net = AudioEncoder()
    assert count(net)[:2] == (91, 2_812_672)
    assert {"audio_encoder.0.conv_block.0.bias", "audio_encoder.12.conv_block.1.running_mean"} <= set(net.state_dict())


def test_syncnet_has_the_published_number_of_parameters() -> None:
    from avatar_engine.lipsync.synctalk_2d.nets.syncnet import SyncNet

    assert count(SyncNet(PUBLISHED_328))[:2] == (224, 25_147_616)


def test_audio_encoder_gives_the_golden_values() -> None:
    from avatar_engine.lipsync.synctalk_2d.nets.audio_encoder import AudioEncoder

    out = fill(AudioEncoder())(4 * build_input((2, 1, 80, 16), 0.011))
    assert out.shape == (2, 512)
    check(out, [0.177355, 0.251180, 0.019221, 0, 0.307255, 0.251506, 0.457828, 0])


def test_published_unet_gives_the_golden_values_at_every_stage() -> None:
    net = fill(build_unet(PUBLISHED_328))
    picture, audio = build_picture((1, 6, 320, 320), 0.01), build_input((1, 32, 16, 16), 0.013)
    skips = net.encode_reference(picture)
    heard = net.audio_model(audio)
    fused = net.fuse_conv(torch.cat([skips[-1], heard], dim=1))
    check(heard, [0.053557, 0.179928, 1.421281, -0.128053, 0.054892, -0.174221, -0.050859, 0.007737])
    check(skips[-1], [-0.006067, 0.099416, -0.319203, -0.031820, 0.033351, 0.218751, -0.017300, -0.104796])
    check(fused, [0.005996, 0.140442, -0.261033, 0.052030, -0.165147, 0.196180, 0.062523, -0.001165])
    drawn = net.decode(skips, audio)
    check(drawn, [0.521474, 0.024724, 0.472332, 0.485160, 0.529434, 0.525871, 0.525729, 0.544287])
    assert torch.equal(net(picture, audio), drawn)


def test_ultralight_unet_gives_the_golden_values() -> None:
    net = fill(build_unet(ULTRALIGHT_160), drop_index)
    audio = build_input((1, 16, 32, 32), 0.013)
    check(
        net(build_picture((1, 6, 160, 160), 0.01), audio),
        [0.434818, 0.163943, 0.204462, 0.206017, 0.562002, 0.560289, 0.546219, 0.524695],
    )
    heard = [0.053873, 0.176233, 1.425299, -0.131394, 0.060437, -0.179180, -0.060561, 0.008758]
    check(net.audio_model(audio), heard)


def test_ultralight_wenet_audio_gives_the_golden_values() -> None:
    net = fill(build_unet(NetSpec(160, WIDTHS_160, "wenet")))
    heard = net.audio_model(build_input((1, 128, 16, 32), 0.013))
    check(heard, [0.066498, 0.205126, 1.427851, -0.131040, 0.009947, -0.168316, -0.198342, 0.060078])


def test_syncnet_gives_the_golden_values() -> None:
    from avatar_engine.lipsync.synctalk_2d.nets.syncnet import SyncNet

    face = build_picture((1, 6, 320, 320), 0.01)[:, :3]
    seen, heard = fill(SyncNet(PUBLISHED_328))(face, build_input((1, 32, 16, 16), 0.013))
    assert seen.shape == heard.shape == (1, 4608)
    check(heard, [0.008507, 0.012027, -0.001199, -0.000099, 0.014428, -0.000253, 0.003070, -0.000146])
    check(seen, [0.007573, 0.012636, 0.107498, -0.000102, 0.012112, -0.000015, -0.000161, -0.000451])
    assert float((seen * heard).sum()) == pytest.approx(0.205560, abs=TOLERANCE)


def test_narrow_nets_of_half_the_size_are_options_of_the_same_code() -> None:
    from avatar_engine.lipsync.synctalk_2d.nets.syncnet import SyncNet

    picture, audio = build_picture((2, 6, 160, 160), 0.01), build_input((2, 32, 16, 16), 0.013)
    assert build_unet(NARROW).eval()(picture, audio).shape == (2, 3, 160, 160)
    seen, heard = SyncNet(NARROW).eval()(picture[:, :3], audio)
    assert seen.shape == heard.shape == (2, 9 * 48)
    assert torch.allclose(seen.norm(dim=1), torch.ones(2))


def test_spec_survives_json_and_refuses_what_does_not_fit() -> None:
    for spec in (PUBLISHED_328, ULTRALIGHT_160, NARROW):
        assert NetSpec.from_json(spec.to_json()) == spec
    assert (PUBLISHED_328.crop, PUBLISHED_328.mask_box) == (328, (5, 5, 315, 310))
    assert (ULTRALIGHT_160.crop, ULTRALIGHT_160.mask_box) == (168, (5, 5, 155, 150))


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"inner": 320, "widths": [32, 32, 64, 128, 256, 512]},
        {"inner": "320", "widths": [32, 32, 64, 128, 256, 512], "audio": "ave"},
        {"inner": True, "widths": [32, 32, 64, 128, 256, 512], "audio": "ave"},
        {"inner": 320, "widths": [32, 32, 64, 128, 256], "audio": "ave"},
        {"inner": 320, "widths": [32, 32, 64, 128, 256, 513], "audio": "ave"},
        {"inner": 320, "widths": [32, 32, 64, 128, 256, 1 << 40], "audio": "ave"},
        {"inner": 320, "widths": [-32, 32, 64, 128, 256, 512], "audio": "ave"},
        {"inner": 320, "widths": "512", "audio": "ave"},
        {"inner": 320, "widths": [32, 32, 64, 128, 256, 512], "audio": "mp3"},
        {"inner": 320, "widths": [32, 32, 64, 128, 256, 512], "audio": ["ave"]},
    ],
)
def test_spec_of_another_shape_is_refused(body: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        NetSpec.from_json(body)
