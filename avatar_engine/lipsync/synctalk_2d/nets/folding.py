"""Batch norms made part of the convolutions before them, for inference."""

from __future__ import annotations

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from avatar_engine.lipsync.synctalk_2d.nets.unet import UNet


def fold_norms(net: UNet) -> UNet:
    """A copy of `net` in eval mode that draws the same with half the steps."""
    folded = copy.deepcopy(net).eval()
    for module in folded.modules():
        if isinstance(module, nn.Sequential):
            _fold_pairs(module)
    heard = folded.audio_model
    heard.conv3, heard.conv5 = fuse_conv_bn_eval(heard.conv3, heard.bn3), fuse_conv_bn_eval(heard.conv5, heard.bn5)
    for name in ("bn3", "bn5"):
        setattr(heard, name, nn.Identity())
    return folded


def _fold_pairs(row: nn.Sequential) -> None:
    for number in range(len(row) - 1):
        conv, norm = row[number], row[number + 1]
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            row[number], row[number + 1] = fuse_conv_bn_eval(conv, norm), nn.Identity()
