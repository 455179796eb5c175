"""Clips that pages of this web process wait for: sound from a stage process, pictures from a render process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from avatar_engine import wire
from avatar_engine.clips.wire import (
    ClipPicture,
    ClipSpec,
    SoundBasket,
    pack_sound,
    unpack_picture,
    unpack_sound,
)
from avatar_engine.errors import WireError
from avatar_engine.types import Int16
from frontend.clip_routes import ClipAnswer
from frontend.switchboard import NoDesk, Switchboard

log = logging.getLogger(__name__)

MOST_CLIPS = 4
"""Clips that one web process waits for; one more is refused."""
CREDIT_FRAMES = 50
CREDIT_EVERY_FRAMES = 10
ANSWERS_HELD = 2 * CREDIT_FRAMES + 20
ANSWER_S = 60.0
"""The first answer may have to wait for a network to be loaded, or for another clip."""


class ClipFailed(Exception):
    """No clip came of it. `reason`: busy, no_stage, no_render, no_voice, timeout, lost, bad_sound or failed."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason
        self.detail = detail


class ClipFeed:
    """Answers about one clip, in order."""

    def __init__(self, clip: str) -> None:
        self.clip = clip
        self._answers: asyncio.Queue[ClipAnswer] = asyncio.Queue(ANSWERS_HELD)

    def put(self, answer: ClipAnswer) -> None:
        """Never waits. A process that sends more than it may is not heard any further."""
        try:
            self._answers.put_nowait(answer)
        except asyncio.QueueFull:
            log.warning("clip %s gets more than it asked for", self.clip)

    async def get(self) -> wire.BinaryFrame:
        """The next piece. Raises `ClipFailed`."""
        try:
            answer = await asyncio.wait_for(self._answers.get(), ANSWER_S)
        except TimeoutError as error:
            raise ClipFailed("timeout") from error
        if isinstance(answer, dict):
            raise ClipFailed(str(answer.get("reason", "failed")), str(answer.get("detail", "")))
        return answer


class ClipDesk:
    """Asks through the switchboard. Lives on the event loop."""

    def __init__(self, relay: Switchboard) -> None:
        self._relay = relay
        self._feeds: dict[str, ClipFeed] = {}
        relay.listen_clips(self._take)

    def __len__(self) -> int:
        return len(self._feeds)

    def _take(self, clip: str, answer: ClipAnswer) -> None:
        feed = self._feeds.get(clip)
        if feed is not None:
            feed.put(answer)

    async def speak(self, text: str, language: str) -> Int16:
        """The sound of `text`, int16[n] mono 48 kHz. Raises `ClipFailed`."""
        basket = SoundBasket()
        async with self._open() as feed:
            message = {"type": "clip.voice", "clip": feed.clip, "text": text, "language": language}
            await self._relay.tell_clip(feed.clip, message)
            try:
                while not basket.whole:
                    basket.put(unpack_sound(await feed.get()))
            except WireError as error:
                raise ClipFailed("failed", str(error)) from error
        return basket.take()

    async def perform(self, spec: ClipSpec, pcm: Int16) -> AsyncGenerator[ClipPicture]:
        """The pictures that go with `pcm`, int16[spec.samples], in order. Raises `ClipFailed`. Close it."""
        async with self._open() as feed:
            await self._relay.tell_clip(feed.clip, _build_opening(feed.clip, spec))
            if spec.samples:
                for data in pack_sound(feed.clip, pcm):
                    await self._relay.tell_clip(feed.clip, data)
            last = False
            while not last:
                try:
                    picture = unpack_picture(await feed.get())
                except WireError as error:
                    raise ClipFailed("failed", str(error)) from error
                yield picture
                last = picture.is_last
                if picture.index % CREDIT_EVERY_FRAMES == CREDIT_EVERY_FRAMES - 1:
                    until = picture.index + 1 + CREDIT_FRAMES
                    credit = {"type": "clip.credit", "clip": feed.clip, "until": until}
                    await self._relay.tell_clip(feed.clip, credit)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[ClipFeed]:
        if len(self._feeds) >= MOST_CLIPS:
            raise ClipFailed("busy")
        try:
            clip = self._relay.name_clip()
        except NoDesk as error:
            raise ClipFailed("no_render") from error
        feed = self._feeds[clip] = ClipFeed(clip)
        try:
            yield feed
        finally:
            del self._feeds[clip]
            await self._relay.tell_clip(clip, {"type": "clip.close", "clip": clip})


def _build_opening(clip: str, spec: ClipSpec) -> dict[str, Any]:
    fields = {
        "engine": spec.engine,
        "avatar": spec.avatar,
        "width": spec.width,
        "height": spec.height,
        "samples": spec.samples,
    }
    return {"type": "clip.open", "clip": clip, "spec": fields}
