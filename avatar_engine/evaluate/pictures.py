"""Held-out frames drawn anew, and how far they lie from the true ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from avatar_engine.compose.paste import paste
from avatar_engine.evaluate.lip_distance import measure_lip_distance
from avatar_engine.evaluate.lips import LipReader, take_lips
from avatar_engine.evaluate.lpips import Lpips
from avatar_engine.evaluate.psnr import measure_psnr
from avatar_engine.evaluate.ssim import measure_ssim
from avatar_engine.face.topology import EYE_CORNERS
from avatar_engine.lipsync.synctalk_2d.crop import build_affine, build_picture, cut_crop, take_inner
from avatar_engine.lipsync.synctalk_2d.edge import ColourMatch, build_soft_mask, find_ring, measure_ring
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.types import Float32, Int32, UInt8


@dataclass(slots=True)
class HeldOutFrame:
    """A frame that no network was trained on, and one to take the reference from.

    frame, reference_frame: uint8[h, w, 3] RGB. square, reference_square: int32[4] of each. points, reference_points:
    float32[478, 2] of each. window: what is heard at `frame`, float32[16, 512].
    """

    number: int
    frame: UInt8
    square: Int32
    points: Float32
    reference_frame: UInt8
    reference_square: Int32
    reference_points: Float32
    window: Float32


@dataclass(slots=True)
class Redrawn:
    """The same frame drawn. inner, true_inner, reference_inner, pasted_inner: uint8[S, S, 3]; frame: uint8[h, w, 3].

    `pasted_inner` is what needs no network: the reference's face laid over this one, eyes on eyes.
    """

    held_out: HeldOutFrame
    inner: UInt8
    true_inner: UInt8
    reference_inner: UInt8
    pasted_inner: UInt8
    frame: UInt8


@dataclass(frozen=True, slots=True)
class PictureFigures:
    """Means over `frames` frames; see `Evaluation`. NaN where no frame had a value."""

    frames: int
    crop_psnr_db: float
    paste_psnr_db: float
    frame_psnr_db: float
    crop_ssim: float
    crop_lpips: float
    lmd_px: float
    lmd_share: float
    paste_lmd_px: float


class Redrawer:
    """The picture network in full precision, and the edge of the stage around what it draws."""

    def __init__(self, weights: Path, spec: NetSpec) -> None:
        """Raises `CheckpointError`."""
        from avatar_engine.lipsync.synctalk_2d.checkpoint import load_into, load_state
        from avatar_engine.lipsync.synctalk_2d.nets.unet import UNet

        self._spec = spec
        self._net = UNet(spec)
        load_into(self._net, load_state(weights))
        self._net.eval().requires_grad_(False)
        self._mask = build_soft_mask(spec)
        self._ring = find_ring(self._mask)

    def redraw(self, held_out: HeldOutFrame) -> Redrawn:
        """Draw one frame; the network sees the true frame only around the mask box."""
        spec = self._spec
        target = take_inner(cut_crop(held_out.frame, held_out.square, spec))
        reference = take_inner(cut_crop(held_out.reference_frame, held_out.reference_square, spec))
        inner = self._draw(reference, target, held_out.window)
        moved = lay_over(held_out)
        return Redrawn(
            held_out=held_out,
            inner=inner,
            true_inner=target,
            reference_inner=reference,
            pasted_inner=take_inner(cut_crop(moved, held_out.square, spec)),
            frame=self._compose(inner, target, held_out),
        )

    def _draw(self, reference: UInt8, target: UInt8, window: Float32) -> UInt8:
        import torch

        picture = torch.from_numpy(build_picture(reference, target, self._spec))[None]
        heard = torch.from_numpy(np.ascontiguousarray(window).reshape(self._spec.audio_shape))[None]
        drawn = self._net(picture, heard)[0].numpy() * 255
        return np.ascontiguousarray(drawn.transpose(1, 2, 0)[..., ::-1].astype(np.uint8))

    def _compose(self, inner: UInt8, target: UInt8, held_out: HeldOutFrame) -> UInt8:
        colours = measure_ring(np.ascontiguousarray(target), self._ring)
        matched = ColourMatch().apply(inner, self._ring, colours)
        return paste(held_out.frame, matched, build_affine(held_out.square, self._spec), self._mask)


def lay_over(held_out: HeldOutFrame) -> UInt8:
    """The reference frame moved, turned and scaled so that its eyes lie on those of the held-out frame."""
    corners = list(EYE_CORNERS)
    here, there = held_out.points[corners].astype(np.float64), held_out.reference_points[corners].astype(np.float64)
    (dx, dy), (sx, sy) = here[1] - here[0], there[1] - there[0]
    turn = complex(dx, dy) / complex(sx, sy)
    matrix = np.array([[turn.real, -turn.imag, 0], [turn.imag, turn.real, 0]])
    matrix[:, 2] = here[0] - matrix[:, :2] @ there[0]
    height, width = held_out.frame.shape[:2]
    moved = cv2.warpAffine(
        held_out.reference_frame, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, np.uint8)


def measure_pictures(
    redrawn: Iterable[Redrawn], spec: NetSpec, lips: LipReader | None, lpips: Lpips | None
) -> PictureFigures:
    """Means over `redrawn`. Pictures are compared inside the mask box, where alone the network draws."""
    x0, y0, x1, y1 = spec.mask_box
    rows = []
    for item in redrawn:
        drawn, true, pasted = (
            np.ascontiguousarray(inner[y0:y1, x0:x1]) for inner in (item.inner, item.true_inner, item.pasted_inner)
        )
        side = float(item.held_out.square[2] - item.held_out.square[0])
        away_px, paste_px = _measure_lips(item, lips)
        rows.append(
            (
                measure_psnr(drawn, true),
                measure_psnr(pasted, true),
                measure_psnr(item.frame, item.held_out.frame),
                measure_ssim(drawn, true),
                lpips.measure(drawn, true) if lpips else np.nan,
                away_px,
                away_px / side,
                paste_px,
            )
        )
    if not rows:
        raise ValueError("no frames to compare")
    table = np.array(rows)
    known = np.isfinite(table)
    means = np.where(known, table, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    means[~known.any(axis=0)] = np.nan
    return PictureFigures(len(rows), *(float(mean) for mean in means))


def _measure_lips(item: Redrawn, lips: LipReader | None) -> tuple[float, float]:
    """LMD of the drawn frame and of the pasted one, pixels of the frame; NaN where no face is seen."""
    if lips is None:
        return np.nan, np.nan
    near = item.held_out.points
    true = lips.find_near(item.held_out.frame, near)
    if true is None:
        return np.nan, np.nan
    found = [lips.find_near(picture, near) for picture in (item.frame, lay_over(item.held_out))]
    drawn, pasted = (np.nan if p is None else measure_lip_distance(take_lips(p), take_lips(true)) for p in found)
    return drawn, pasted
