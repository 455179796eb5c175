"""One SyncTalk_2D presenter in one room: the source loop, and a drawn mouth where it speaks."""

from __future__ import annotations

import threading

import numpy as np

from avatar_engine.lipsync.synctalk_2d.cover import Cover, join_affines
from avatar_engine.lipsync.synctalk_2d.crop import build_affine
from avatar_engine.lipsync.synctalk_2d.edge import ColourMatch
from avatar_engine.lipsync.synctalk_2d.generator import Generator
from avatar_engine.lipsync.synctalk_2d.loop_pictures import LoopPictures
from avatar_engine.lipsync.synctalk_2d.mouth import MouthPlan, MouthState
from avatar_engine.lipsync.synctalk_2d.room_frames import RoomFrames
from avatar_engine.lipsync.synctalk_2d.source_loop import count_round_trip, find_frame
from avatar_engine.types import Float32, Int32, Patch, SpeechWindow, UInt8


class SyncTalk2DSession:
    """State: how much of the drawn mouth shows, what it heard last, and its colours. The rest belongs to the engine."""

    def __init__(
        self,
        pictures: LoopPictures,
        frames: RoomFrames,
        cover: Cover,
        generator: Generator,
        drawing: threading.Lock,
        rest: Float32 | None,
    ) -> None:
        """`frames` are the loop as `cover` shows it. `drawing` is held while the generator works.

        `rest`: float32[16, 512], what silence sounds like, where the source's own mouth is not at rest.
        """
        self.width = cover.room_width
        self.height = cover.room_height
        self.loop_frames = count_round_trip(pictures.frames)
        self._pictures = pictures
        self._frames = frames
        self._generator = generator
        self._drawing = drawing
        self._mouth = MouthState(rest)
        self._match = ColourMatch()
        places = (build_affine(rectangle, generator.spec) for rectangle in pictures.rectangles)
        self._affines = np.stack([join_affines(place, cover.affine) for place in places])

    def source(self, pose: int) -> UInt8:
        """The loop's frame at `pose`, uint8[height, width, 3] RGB."""
        return self._frames.read(find_frame(pose, self._pictures.frames))

    def render(self, speech: SpeechWindow, poses: Int32) -> Patch:
        """Draw the lower faces of len(poses) frames. See `Session.render`."""
        numbers = np.array([find_frame(int(pose), self._pictures.frames) for pose in poses], np.int32)
        plans = [
            self._mouth.speak(speech.features[i]) if speech.speaking[i] else self._mouth.rest()
            for i in range(len(poses))
        ]
        side = self._generator.spec.inner
        rgb = np.zeros((len(poses), side, side, 3), np.uint8)
        mask = np.zeros((len(poses), side, side), np.float32)
        chunk = self._generator.chunk_frames
        for start in range(0, len(poses), chunk):
            self._draw(plans[start : start + chunk], numbers[start : start + chunk], rgb[start : start + chunk])
        for i, plan in enumerate(plans):
            if plan.window is None:
                self._match.reset()
                continue
            rgb[i] = self._match.apply(rgb[i], self._pictures.ring, self._pictures.colours[numbers[i]])
            np.multiply(self._pictures.mask, np.float32(plan.share), out=mask[i])
        return Patch(rgb, self._affines[numbers], mask)

    def _draw(self, plans: list[MouthPlan], numbers: Int32, rgb: UInt8) -> None:
        """Fill rgb uint8[n, S, S, 3] where a mouth is wanted."""
        drawn = [i for i, plan in enumerate(plans) if plan.window is not None]
        if not drawn:
            return
        windows = np.stack([window for plan in plans if (window := plan.window) is not None])
        with self._drawing:
            rgb[drawn] = self._generator.generate(numbers[drawn], windows)
