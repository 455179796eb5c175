"""Losses against what can be worked out by hand."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
import torch

from avatar_engine.errors import TrainingError
from avatar_engine.lipsync.synctalk_2d.training.average import WeightAverage
from avatar_engine.lipsync.synctalk_2d.training.losses import (
    build_agreement_loss,
    build_difference_loss,
    build_perceptual_loss,
    cut_pieces,
)
from avatar_engine.lipsync.synctalk_2d.training.options import TrainingOptions, choose_options
from avatar_engine.lipsync.synctalk_2d.training.phase import choose_rate
from avatar_engine.lipsync.synctalk_2d.training.vgg import VGG_FILE, load_vgg

SHARED = os.environ.get("FOOTLIGHT_SHARED")


def test_difference_counts_more_inside_the_mouth() -> None:
    target = torch.zeros(1, 3, 10, 10)
    drawn = target.clone()
    drawn[:, :, 4:6, 2:7] = 0.5  # 10 of 100 pixels
    mouths = torch.tensor([[2, 4, 7, 6]])
    assert float(build_difference_loss(drawn, target, mouths, 0.0)) == pytest.approx(0.05)
    assert float(build_difference_loss(drawn, target, mouths, 3.0)) == pytest.approx(10 * 0.5 * 4 / (90 + 40))


def test_agreement_is_the_cross_entropy_of_the_cosine() -> None:
    face = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    sound = torch.tensor([[0.6, 0.8], [0.6, 0.8]])
    true = float(build_agreement_loss(face, sound, True))
    assert true == pytest.approx((-math.log(0.6) - math.log(1 - 1e-4)) / 2, rel=1e-4)
    assert float(build_agreement_loss(face, sound, False)) == pytest.approx(
        (-math.log(0.4) - math.log(1e-4)) / 2, rel=1e-3
    )


def test_negative_cosine_is_no_error() -> None:
    face, sound = torch.tensor([[1.0, 0.0]]), torch.tensor([[-1.0, 0.0]])
    assert float(build_agreement_loss(face, sound, False)) == pytest.approx(1e-4, rel=1e-2)
    assert math.isfinite(float(build_agreement_loss(face, sound, True)))


def test_pieces_lie_inside_the_box_and_all_of_it_is_reached() -> None:
    target = torch.arange(400.0).reshape(1, 1, 20, 20)
    corners = set()
    for at in range(200):
        piece, same = cut_pieces(target, target, (3, 2, 13, 12), 6, at)
        assert piece.shape == (1, 1, 6, 6)
        assert piece.equal(same)
        corners.add(divmod(int(piece[0, 0, 0, 0]), 20))
    assert {row for row, _ in corners} == set(range(2, 7))
    assert {column for _, column in corners} == set(range(3, 8))


def test_rate_climbs_and_falls() -> None:
    rates = [choose_rate(step, 1000, 1e-3, 10, "cosine") for step in range(1000)]
    assert rates[0] == pytest.approx(1e-4)
    assert max(rates) == pytest.approx(1e-3)
    assert rates[-1] == pytest.approx(1e-5, rel=0.01)
    assert choose_rate(999, 1000, 1e-3, 10, "constant") == 1e-3


def test_average_follows_weights_and_statistics() -> None:
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.BatchNorm2d(2))
    average = WeightAverage(net, 0.5)
    start = average.net[0].weight.clone()
    with torch.no_grad():
        net[0].weight.add_(1)
        net[1].running_mean.fill_(4)
        net[1].num_batches_tracked.fill_(7)
    average.follow(net, 100)
    assert torch.allclose(average.net[0].weight, start + 0.5)
    assert torch.allclose(average.net[1].running_mean, torch.full((2,), 2.0))
    assert int(average.net[1].num_batches_tracked) == 7


def test_options_survive_being_kept() -> None:
    options = choose_options("narrow", "cpu", batch=5)
    assert TrainingOptions.from_json(options.to_json()) == options
    assert not options.wants_sync
    assert choose_options("narrow", "cpu", sync=True).wants_sync
    assert choose_options("328", "cuda").wants_sync
    assert not choose_options("328", "cuda", sync=False).wants_sync


@pytest.mark.parametrize("body", [None, [], {}, {"net": {}}, {"net": None, "steps": 1}, {"nets": 1}])
def test_options_that_are_none_are_refused(body: object) -> None:
    with pytest.raises(TrainingError):
        TrainingOptions.from_json(body)


def test_file_that_is_no_vgg_is_refused(tmp_path: Path) -> None:
    path = tmp_path / VGG_FILE
    path.write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    with pytest.raises(TrainingError, match="not the slice of VGG-19"):
        load_vgg(path)


@pytest.mark.skipif(not SHARED, reason="wants the slice of VGG-19 in FOOTLIGHT_SHARED")
def test_vgg_sees_edges_and_channel_means_are_near_one() -> None:
    vgg = load_vgg(Path(SHARED or "") / "data" / VGG_FILE)
    sharp = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    smooth = torch.nn.functional.avg_pool2d(sharp, 5, 1, 2)
    activations = vgg(sharp)
    assert activations.shape == (2, 256, 16, 16)
    assert float(build_perceptual_loss(vgg, sharp, sharp)) == 0
    drawn = smooth.clone().requires_grad_()
    loss = build_perceptual_loss(vgg, drawn, sharp)
    loss.backward()
    assert float(loss) > 0.01
    assert float(drawn.grad.abs().max()) > 0
    assert all(parameter.grad is None for parameter in vgg.parameters())
