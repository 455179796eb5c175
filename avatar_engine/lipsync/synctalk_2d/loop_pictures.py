"""What the network and the colour match need of every frame of a presenter's loop."""

from __future__ import annotations

import cv2
import numpy as np

from avatar_engine.face.topology import FACE_OVAL
from avatar_engine.lipsync.synctalk_2d.crop import build_affine, cut_crop, take_inner
from avatar_engine.lipsync.synctalk_2d.edge import RingColours, build_face_mask, find_ring, measure_ring
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder
from avatar_engine.lipsync.synctalk_2d.source_loop import Stretch, find_stretch, measure_openings
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.types import Bool, Float32, Int32, UInt8

_JPEG_QUALITY = 98
OUTLINES = 40
"""Frames of which the outline of the face is taken."""


class LoopPictures:
    """The `PictureSource` of a stretch of the source video: its frame 0 is the first of the stretch.

    Squares are kept as fine JPEGs, so that a loop of 10 s takes 20 MB; a generator looks at each of them once.
    """

    def __init__(self, stretch: Stretch, rectangles: Int32, mask: Float32, spec: NetSpec) -> None:
        """`rectangles` int32[N, 4] of the stretch's frames, `mask` float32[S, S] in 0..1: how much may be drawn."""
        self.stretch = stretch
        self.frames = stretch.frames
        self.rectangles = rectangles
        self.mask = mask
        self.ring: Bool = find_ring(mask)
        self.colours: list[RingColours] = []
        """Of the ring, of each frame."""
        self._spec = spec
        self._squares: list[UInt8] = []

    @classmethod
    def load(cls, avatar: AvatarFolder, spec: NetSpec) -> LoopPictures:
        """Choose the stretch and read its frames. Raises `AvatarFolderError`."""
        stretch = find_stretch(measure_openings(avatar.read_landmarks()))
        stop = stretch.start + stretch.frames
        rectangles = avatar.read_crops()[stretch.start : stop]
        ovals = avatar.read_landmarks()[stretch.start : stop, FACE_OVAL]
        chosen = np.unique(np.linspace(0, stretch.frames - 1, OUTLINES).astype(int))
        outlines = [_to_inner(ovals[i], rectangles[i], spec) for i in chosen]
        pictures = cls(stretch, rectangles, build_face_mask(spec, outlines), spec)
        for frame in avatar.iterate_frames(stretch.start, stop):
            pictures.add(frame)
        return pictures

    def add(self, frame: UInt8) -> None:
        """The next frame of the stretch, uint8[H, W, 3] RGB."""
        crop = cut_crop(frame, self.rectangles[len(self._squares)], self._spec)
        self.colours.append(measure_ring(np.ascontiguousarray(take_inner(crop)), self.ring))
        quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111]
        _, packed = cv2.imencode(".jpg", cv2.cvtColor(crop, cv2.COLOR_RGB2BGR), quality)
        self._squares.append(packed)

    def crop(self, frame: int) -> UInt8:
        """The square of frame `frame` of the stretch at working size, uint8[S+8, S+8, 3] RGB."""
        square = cv2.imdecode(self._squares[frame], cv2.IMREAD_COLOR)
        return np.asarray(cv2.cvtColor(square, cv2.COLOR_BGR2RGB), np.uint8)


def _to_inner(points: Float32, rectangle: Int32, spec: NetSpec) -> Float32:
    """Points float32[K, 2] of the frame in pixels of its inner picture."""
    affine = build_affine(rectangle, spec)
    return np.asarray((points - affine[:, 2]) / affine.diagonal(), np.float32)
