"""The SyncTalk_2D service of one web process: texts and recordings to moving pictures (docs/engines/synctalk-2d.md)."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from avatar_engine.clips.wire import ClipPicture, ClipSpec
from avatar_engine.timing import FPS
from avatar_engine.types import Int16
from frontend.clip_debug import DebugStore
from frontend.clip_desk import ClipDesk, ClipFailed

log = logging.getLogger(__name__)

FAMILY = "synctalk_2d"
BOUNDARY = "frame"
END = f"--{BOUNDARY}--\r\n".encode()
SOUND_KEPT_S, SOUNDS_KEPT = 60.0, 8
STILL_KEPT_S, STILLS_KEPT = 60.0, 8
LATE_FRAMES = 3
"""A picture that is so late is left out, so that the mouth stays with the sound."""


@dataclass(frozen=True, slots=True)
class Look:
    """Which presenter, in a picture of which size."""

    avatar: str
    width: int
    height: int

    def build_spec(self, samples: int) -> ClipSpec:
        return ClipSpec(FAMILY, self.avatar, self.width, self.height, samples)


class ClipService:
    """Makes a sound once however many ask for it at once, or within a minute, and shows it at 25 pictures a second."""

    def __init__(self, desk: ClipDesk, debug: DebugStore, clock: Callable[[], float] = time.monotonic) -> None:
        self.debug = debug
        self._desk = desk
        self._clock = clock
        self._sounds: OrderedDict[tuple[str, str], tuple[float, asyncio.Task[Int16]]] = OrderedDict()
        self._stills: OrderedDict[Look, tuple[float, bytes]] = OrderedDict()

    async def speak(self, text: str, language: str) -> Int16:
        """The sound of `text`, int16[n] mono 48 kHz, made once. Raises `ClipFailed`."""
        key = (text, language)
        kept = self._sounds.get(key)
        if kept is None or kept[0] < self._clock() or _is_broken(kept[1]):
            task = asyncio.create_task(self._desk.speak(text, language), name="clip-sound")
            kept = self._sounds[key] = (self._clock() + SOUND_KEPT_S, task)
            while len(self._sounds) > SOUNDS_KEPT:
                self._sounds.popitem(last=False)
        sound = await asyncio.shield(kept[1])
        await asyncio.to_thread(self.debug.save_sound, _name(), sound)
        return sound

    async def show_still(self, look: Look) -> bytes:
        """The presenter at rest, a JPEG, kept for a minute. Raises `ClipFailed`."""
        kept = self._stills.get(look)
        if kept is not None and kept[0] >= self._clock():
            return kept[1]
        async with aclosing(self._desk.perform(look.build_spec(0), _no_sound())) as pictures:
            async for picture in pictures:
                self._stills[look] = (self._clock() + STILL_KEPT_S, picture.jpeg)
                while len(self._stills) > STILLS_KEPT:
                    self._stills.popitem(last=False)
                return picture.jpeg
        raise ClipFailed("failed")

    async def stream(self, look: Look, pcm: Int16) -> AsyncGenerator[bytes]:
        """Parts of a `multipart/x-mixed-replace` answer: the presenter at rest, then the clip.

        Ends early where the clip does: its status went out long ago. Raises `ClipFailed` where there is no first part.
        Picture i goes out i/25 s after the first one of the clip, and not at all where it comes much later.
        """
        rest = [build_part(await self.show_still(look))]
        name = _name()
        wants_frames = await asyncio.to_thread(self._wants_frames)
        try:
            async with aclosing(self._desk.perform(look.build_spec(len(pcm)), pcm)) as pictures:
                async for picture in self._pace(pictures):
                    if wants_frames:
                        await asyncio.to_thread(self.debug.save_frame, name, picture.index, picture.jpeg)
                    while rest:  # only now, so that a page that starts its sound with it is in step with the clip
                        yield rest.pop()
                    yield build_part(picture.jpeg)
        except ClipFailed as error:
            log.warning("a clip breaks off: %s", error)
        for part in (*rest, END):
            yield part

    async def stream_still(self, still: bytes) -> AsyncGenerator[bytes]:
        """The same with the presenter at rest alone."""
        yield build_part(still)
        yield END

    async def _pace(self, pictures: AsyncGenerator[ClipPicture]) -> AsyncGenerator[ClipPicture]:
        began: float | None = None
        skipped = 0
        async for picture in pictures:
            began = self._clock() if began is None else began
            late_s = self._clock() - (began + picture.index / FPS)
            if late_s * FPS > LATE_FRAMES and not picture.is_last:
                skipped += 1
                continue
            await asyncio.sleep(max(0.0, -late_s))
            yield picture
        if skipped:
            log.warning("%d pictures of a clip came too late and were left out", skipped)

    def _wants_frames(self) -> bool:
        config = self.debug.read()
        return config.enabled and config.save_frames


def build_part(jpeg: bytes) -> bytes:
    """One part of a `multipart/x-mixed-replace` answer."""
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return head.encode() + jpeg + b"\r\n"


def _is_broken(task: asyncio.Task[Int16]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _name() -> str:
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"


def _no_sound() -> Int16:
    return np.zeros(0, np.int16)
