"""What a drawn picture is blamed for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

_COSINE_EDGE = 1e-4
"""How near to 0 and 1 a cosine may come; the logarithm has no value there."""


def build_difference_loss(drawn: Tensor, target: Tensor, mouths: Tensor, mouth_weight: float) -> Tensor:
    """Mean absolute difference of pictures float[B, 3, S, S]; inside `mouths` it counts 1 + `mouth_weight` times.

    mouths: int64[B, 4], x0, y0, x1, y1, ends exclusive. The weights are divided by their mean, so the size of the loss
    stays that of a difference.
    """
    import torch

    difference = (drawn - target).abs().mean(dim=1)
    if not mouth_weight:
        return difference.mean()
    place = torch.arange(drawn.shape[-1], device=drawn.device)
    x0, y0, x1, y1 = mouths[:, :, None].unbind(1)
    across = ((place >= x0) & (place < x1)).to(difference.dtype)
    down = ((place >= y0) & (place < y1)).to(difference.dtype)
    weights = 1 + mouth_weight * down[:, :, None] * across[:, None, :]
    return (difference * weights).mean() / weights.mean()


def build_perceptual_loss(features: nn.Module, drawn: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of the activations that `features` gives for pictures float[B, 3, S, S]."""
    import torch

    with torch.no_grad():
        wanted = features(target)
    loss: Tensor = torch.nn.functional.mse_loss(features(drawn).float(), wanted.float())
    return loss


def build_agreement_loss(face: Tensor, sound: Tensor, belongs: bool) -> Tensor:
    """Binary cross-entropy of the cosines of unit rows float[B, E], against 1 where they belong together, else 0.

    A cosine is a chance only within 0..1, so it is held inside; a negative one costs no more than one of 0.
    """
    import torch

    cosine = (face.float() * sound.float()).sum(dim=1).clamp(_COSINE_EDGE, 1 - _COSINE_EDGE)
    wanted = torch.full_like(cosine, float(belongs))
    loss: Tensor = torch.nn.functional.binary_cross_entropy(cosine, wanted)
    return loss


def cut_pieces(drawn: Tensor, target: Tensor, box: tuple[int, int, int, int], side: int, at: int) -> list[Tensor]:
    """The same square of both pictures, `side` px, somewhere inside `box`, chosen by the whole number `at`.

    Returns [drawn, target]; both whole where `side` is 0 or does not fit.
    """
    x0, y0, x1, y1 = box
    if not side or side >= min(x1 - x0, y1 - y0):
        return [drawn, target]
    row = y0 + at % (y1 - y0 - side + 1)
    column = x0 + at // (y1 - y0 - side + 1) % (x1 - x0 - side + 1)
    return [picture[:, :, row : row + side, column : column + side] for picture in (drawn, target)]
