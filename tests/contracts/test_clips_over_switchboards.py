"""A clip asked for at one web process is made by stage and render processes that dialled another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from avatar_engine.clips.wire import ClipSpec
from frontend.clip_desk import ClipFailed
from tests.conftest import Services
from tests.support.clip_system import ClipSystem
from tests.support.web_copies import WebCopies, eventually

REDIS = pytest.param("redis", marks=pytest.mark.services)
SOUND = np.full(1920 * 70, 3000, np.int16)
SPEC = ClipSpec("synctalk_2d", "", 128, 128, len(SOUND))


@pytest.fixture(params=["local", REDIS])
async def system(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ClipSystem]:
    """The page asks the first copy; stage and render dialled the second."""
    services: Services | None = request.getfixturevalue("services") if request.param == "redis" else None
    async with WebCopies(services.redis_url if services else None) as copies:
        asked, dialled = (copy.relay for copy in copies.copies)
        made = ClipSystem(asked, tmp_path)
        await made.start(render_at=dialled, stage_at=dialled)
        async with asyncio.timeout(10):
            while not await is_ready(made):
                await asyncio.sleep(0.05)
        yield made
        await made.close()


async def is_ready(system: ClipSystem) -> bool:
    """Whether both processes have found their way to whoever routes."""
    still = ClipSpec("synctalk_2d", "", 128, 128, 0)
    try:
        await system.desk.speak("ready", "en")
        return [picture.index async for picture in system.desk.perform(still, SOUND[:0])] == [0]
    except ClipFailed:
        return False


async def test_pictures_come_in_order_and_all_of_them(system: ClipSystem) -> None:
    indices = [picture.index async for picture in system.desk.perform(SPEC, SOUND)]
    assert indices == list(range(70))


async def test_a_text_is_spoken(system: ClipSystem) -> None:
    sound = await system.desk.speak("one two three. And four", "en")
    assert len(sound) / 48_000 == pytest.approx(0.5 + 0.16, abs=0.05)
    assert np.abs(sound).max() > 5000
    assert system.stage is not None
    assert system.stage.voice.spoken[-2:] == ["one two three.", "And four"]


async def test_what_failed_says_why(system: ClipSystem) -> None:
    assert system.render is not None
    system.render.error = ValueError("no such presenter")
    with pytest.raises(ClipFailed, match="no such presenter"):
        [picture async for picture in system.desk.perform(SPEC, SOUND)]


async def test_a_family_that_nobody_shows_is_refused_at_once(system: ClipSystem) -> None:
    spec = ClipSpec("oil_painting", "", 128, 128, 0)
    with pytest.raises(ClipFailed) as caught:
        await anext(system.desk.perform(spec, SOUND[:0]))
    assert caught.value.reason == "no_render"


async def test_two_clips_at_once_do_not_mix(system: ClipSystem) -> None:
    async def read(frames: int) -> list[int]:
        sound = SOUND[: 1920 * frames]
        spec = ClipSpec("synctalk_2d", "", 128, 128, len(sound))
        return [picture.index async for picture in system.desk.perform(spec, sound)]

    assert await asyncio.gather(read(30), read(45)) == [list(range(30)), list(range(45))]


async def test_leaving_in_the_middle_stops_the_work(system: ClipSystem) -> None:
    pictures = system.desk.perform(SPEC, SOUND)
    await anext(pictures)
    await pictures.aclose()
    assert len(system.desk) == 0
    await eventually(lambda: system.render is not None and not len(system.render.jobs))
