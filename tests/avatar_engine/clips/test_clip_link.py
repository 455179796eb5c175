"""Clips over the link of a whole render process, beside its rooms."""

from __future__ import annotations

import asyncio

import numpy as np

from avatar_engine import wire
from avatar_engine.clips.wire import pack_sound, unpack_picture
from avatar_engine.features.registry import load_extractor
from tests.avatar_engine.performer_kit import on_air
from tests.avatar_engine.test_render import process
from tests.fakes.clock import in_virtual_time
from tests.fakes.engine import FakeEngine

PCM = np.full(1920 * 80, 4000, np.int16)
OPEN = {
    "type": "clip.open",
    "clip": "web.1",
    "spec": {"engine": "fake", "avatar": "", "width": 128, "height": 128, "samples": len(PCM)},
}


async def lend(family: str, avatar: str):
    return FakeEngine(), load_extractor("spectral")


async def begin(made) -> None:
    made._clips._lend = lend
    await made._take_text(OPEN)
    for data in pack_sound("web.1", PCM):
        await made._take_binary(wire.unpack_binary(data))


def indices(link) -> list[int]:
    return [unpack_picture(wire.unpack_binary(data)).index for data in link.binaries]


@in_virtual_time
async def test_pictures_come_back_as_credit_allows(monkeypatch, tmp_path) -> None:
    async with process(monkeypatch, tmp_path) as (made, link):
        await begin(made)
        await asyncio.sleep(1)
        assert indices(link) == list(range(50))
        await made._take_text({"type": "clip.credit", "clip": "web.1", "until": 80})
        await asyncio.sleep(1)
        assert indices(link) == list(range(80))
        await made._clips.close()


@in_virtual_time
async def test_a_clip_ends_when_it_is_closed_and_when_web_goes(monkeypatch, tmp_path) -> None:
    async with process(monkeypatch, tmp_path) as (made, _):
        for end in (lambda: made._take_text({"type": "clip.close", "clip": "web.1"}), made._link_down):
            await begin(made)
            await asyncio.sleep(0.5)
            await end()
            assert len(made._clips) == 0
        await made._clips.close()


@in_virtual_time
async def test_a_presenter_that_takes_all_its_time_is_pressed_and_one_that_rests_is_not() -> None:
    async with on_air(cost_s=0.036) as stage:
        await stage.run(60)
        assert stage.performer.is_pressed
    async with on_air(cost_s=0.01) as stage:
        await stage.run(60)
        assert not stage.performer.is_pressed
    async with on_air(cost_s=0.08) as stage:
        await stage.run(10)
        assert stage.performer.is_pressed


@in_virtual_time
async def test_a_room_that_is_pressed_holds_clips_back(monkeypatch, tmp_path) -> None:
    async with process(monkeypatch, tmp_path) as (made, _):
        await made._take_text({**ROOM, "generation": 1})
        await asyncio.sleep(0.5)
        assert not made._rooms.is_pressed
        made._rooms.performers["a"]._render_ms = 39.0
        assert made._rooms.is_pressed
        await made._clips.close()


ROOM = {
    "type": "room.open",
    "room": "a",
    "spec": {"engine": "fake", "avatar": "", "width": 2, "height": 2, "seed": 1, "video_kbps": 0},
}
