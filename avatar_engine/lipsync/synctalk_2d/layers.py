"""The picture network step by step, for the exporters. `nets/unet.py` is the same for training.

It comes in two parts. The reference part makes maps of a source picture, which can be kept: one per width but the
first, which is as large as all others together and quicker to make again than to fetch. The voice part makes the first
map again and draws.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from avatar_engine.lipsync.synctalk_2d.folded import Block, FoldedNet, Kernel
from avatar_engine.lipsync.synctalk_2d.tape import Tape

PICTURE_CHANNELS = 6
"""The reference picture (3) and the masked picture (3), BGR in 0..1."""


def build_reference_tape(net: FoldedNet) -> Tape:
    """picture [6, S, S] -> map1, map2, ...: [widths[i], S / 2**i, S / 2**i]."""
    tape = Tape()
    maps = draw_reference(tape, net, tape.enter("picture", (PICTURE_CHANNELS, net.spec.inner, net.spec.inner)))
    for number, made in enumerate(maps, 1):
        tape.leave(f"map{number}", made)
    return tape


def build_voice_tape(net: FoldedNet, *, fine: bool = False) -> Tape:
    """picture, map1, map2, ... as above, audio `spec.audio_shape` -> drawn [3, S, S], BGR in 0..1.

    `fine` ends the network in another order, which draws the same but bears eight bits better.
    """
    tape, spec = Tape(), net.spec
    picture = tape.enter("picture", (PICTURE_CHANNELS, spec.inner, spec.inner))
    maps = [
        tape.enter(f"map{i}", (width, spec.inner >> i, spec.inner >> i)) for i, width in enumerate(spec.widths) if i
    ]
    tape.leave("drawn", draw_voice(tape, net, picture, maps, tape.enter("audio", spec.audio_shape), fine=fine))
    return tape


def draw_reference(tape: Tape, net: FoldedNet, picture: int) -> list[int]:
    """The maps of widths[1:] of a picture [6, S, S], each half the size of the one before."""
    maps = [draw_inlet(tape, net, picture)]
    widths = net.spec.widths
    for step in range(1, len(widths)):
        prefix = f"down{step}.maxpool_conv.0.double_conv"
        maps.append(_double(tape, net, maps[-1], prefix, widths[step - 1], widths[step], stride=2))
    return maps[1:]


def draw_inlet(tape: Tape, net: FoldedNet, picture: int) -> int:
    """The first map, [widths[0], S, S]."""
    return _block(tape, picture, net.block("inc.inconv.0", PICTURE_CHANNELS, net.spec.widths[0]))


def draw_voice(tape: Tape, net: FoldedNet, picture: int, maps: Sequence[int], audio: int, *, fine: bool = False) -> int:
    """The picture [3, S, S] from the source picture, its `maps` and a window of sound `spec.audio_shape`."""
    spec = net.spec
    width = spec.widths[-1]
    heard = draw_audio(tape, net, audio)
    x = _double_meeting(tape, net, (maps[-1], heard), "fuse_conv.0.double_conv", (2 * width, width), enlarge=False)
    coming = spec.widths[-2]
    x = _double(tape, net, x, "fuse_conv.1.double_conv", width, coming)
    skips = [*maps[-2::-1], draw_inlet(tape, net, picture)]
    for step, (skip, outputs) in enumerate(zip(skips, spec.up_widths, strict=True), 1):
        sizes = (coming + spec.widths[-1 - step], outputs)
        prefix = f"up{step}.conv.double_conv"
        if fine and step == spec.downs:
            return tape.squash(_end_finely(tape, net, (x, skip), prefix, sizes))
        x = _double_meeting(tape, net, (x, skip), prefix, sizes, enlarge=True)
        coming = outputs
    return tape.squash(tape.conv(x, net.plain("outc.conv", (3, coming, 1, 1)), exact=True))


def _end_finely(tape: Tape, net: FoldedNet, pair: tuple[int, int], prefix: str, sizes: tuple[int, int]) -> int:
    """What is squashed. The last sum is linear, so the colours are made of its two parts before they are rounded."""
    inputs, outputs = sizes
    first, second = net.block(f"{prefix}.0", inputs, outputs), net.block(f"{prefix}.1", outputs, outputs)
    last = net.plain("outc.conv", (3, outputs, 1, 1))
    hidden = tape.meet(*pair, first.expand, enlarge=True)
    hidden = tape.conv(hidden, first.depth, padding=1, relu=True)
    both = tape.conv(hidden, first.project.beside(last.after(first.project)), fine=3)
    inner = tape.conv(both, second.expand.widen(0, 3), relu=True)
    inner = tape.conv(inner, second.depth, padding=1, relu=True)
    direct = tape.conv(
        both, Kernel(np.eye(3, dtype=np.float32)[:, :, None, None], -last.bias).widen(outputs, 0), exact=True
    )
    return tape.add(direct, tape.conv(inner, last.after(second.project), exact=True), exact=True)


def draw_audio(tape: Tape, net: FoldedNet, audio: int) -> int:
    """What a window of sound becomes, [widths[-1], 10, 10]."""
    spec = net.spec
    width, inputs = spec.audio_width, spec.audio_shape[0]
    half, quarter, eighth = width // 2, width // 4, width // 8
    wide = spec.audio == "wenet"
    if wide:
        eighth = quarter = half
    stride = {"ave": (1, 1), "hubert": (2, 2), "wenet": (1, 2)}[spec.audio]
    x = _block(tape, audio, net.block("audio_model.conv1", inputs, eighth), residual=wide and inputs == half)
    x = _block(tape, x, net.block("audio_model.conv2", eighth, quarter), residual=wide)
    third = net.row("audio_model.conv3", "audio_model.bn3", (half, quarter, 3, 3))
    x = tape.conv(x, third, stride=stride, padding=1, relu=True)
    x = _block(tape, x, net.block("audio_model.conv4", half, half), residual=True)
    fifth = net.row("audio_model.conv5", "audio_model.bn5", (width, half, 3, 3))
    x = tape.conv(x, fifth, stride=(2, 2), padding=3, relu=True)
    for name in ("conv6", "conv7"):
        x = _block(tape, x, net.block(f"audio_model.{name}", width, width), residual=True)
    return x


def _block(tape: Tape, x: int, block: Block, stride: int = 1, *, residual: bool = False) -> int:
    out = _narrow(tape, tape.conv(x, block.expand, relu=True), block, stride)
    return tape.add(x, out) if residual else out


def _narrow(tape: Tape, hidden: int, block: Block, stride: int = 1) -> int:
    return tape.conv(tape.conv(hidden, block.depth, stride=(stride, stride), padding=1, relu=True), block.project)


def _double(tape: Tape, net: FoldedNet, x: int, prefix: str, inputs: int, outputs: int, stride: int = 1) -> int:
    x = _block(tape, x, net.block(f"{prefix}.0", inputs, outputs), stride)
    return _block(tape, x, net.block(f"{prefix}.1", outputs, outputs), residual=True)


def _double_meeting(
    tape: Tape, net: FoldedNet, pair: tuple[int, int], prefix: str, sizes: tuple[int, int], *, enlarge: bool
) -> int:
    inputs, outputs = sizes
    first = net.block(f"{prefix}.0", inputs, outputs)
    x = _narrow(tape, tape.meet(*pair, first.expand, enlarge=enlarge), first)
    return _block(tape, x, net.block(f"{prefix}.1", outputs, outputs), residual=True)
