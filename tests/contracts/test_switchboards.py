"""One web process alone, and several over Redis, promise the same to stage, render and viewers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.conftest import Services
from tests.frontend.hub_kit import build_frame, settle
from tests.support.web_copies import NotingPeer, Page, WebCopies, clip_frame, eventually, join, media, opening, speech

REDIS = pytest.param("redis", marks=pytest.mark.services)


@pytest.fixture(params=["local", REDIS])
async def web(request: pytest.FixtureRequest) -> AsyncIterator[WebCopies]:
    """Two places to dial: two copies over Redis, or twice the same process."""
    services: Services | None = request.getfixturevalue("services") if request.param == "redis" else None
    async with WebCopies(services.redis_url if services else None) as copies:
        yield copies


@pytest.fixture
async def stage(web: WebCopies) -> NotingPeer:
    """Dials the first copy; the room waits for a render."""
    peer = NotingPeer("stage")
    await join(web.copies[0], peer, "stage")
    await web.copies[0].relay.take_stage_text(peer, opening("one"))
    return peer


@pytest.fixture
async def render(web: WebCopies, stage: NotingPeer) -> NotingPeer:
    """Dials the second copy and shows the room."""
    peer = NotingPeer("render")
    await join(web.copies[1], peer, "render")
    await eventually(lambda: "room.open" in peer.types())
    return peer


async def show(web: WebCopies, render: NotingPeer, numbers: range, **fields: object) -> None:
    for number in numbers:
        await web.copies[1].relay.take_render_binary(render, media("one", build_frame(number, **fields)))
        await settle()


async def go_live(web: WebCopies, render: NotingPeer, *pages: Page) -> int:
    """Send key frames until every page has one; returns the number of the next frame."""
    number = 0
    while not all(page.frames for page in pages):
        await show(web, render, range(number, number + 1), key=True)
        await asyncio.sleep(0.02)
        number += 1
    return number


async def test_sound_and_control_reach_render_in_order(web: WebCopies, stage: NotingPeer, render: NotingPeer) -> None:
    relay = web.copies[0].relay
    sent = [speech("one", bytes([number])) for number in range(20)]
    for frame, data in sent:
        await relay.take_stage_binary(stage, frame, data)
    await relay.take_stage_text(stage, {"type": "interrupt", "room": "one", "generation": 1})
    await eventually(lambda: "interrupt" in render.types())
    assert render.binaries == [data for _, data in sent]


async def test_reports_come_back_to_the_stage_that_holds_the_room(
    web: WebCopies, stage: NotingPeer, render: NotingPeer
) -> None:
    reports = [{"type": "report", "room": "one", "n": number} for number in range(20)]
    for report in reports:
        await web.copies[1].relay.take_render_text(render, report)
    await eventually(lambda: reports[-1] in stage.texts)
    assert [text for text in stage.texts if text["type"] == "report"] == reports


async def test_a_stage_that_does_not_hold_the_room_is_not_heard(
    web: WebCopies, stage: NotingPeer, render: NotingPeer
) -> None:
    other = NotingPeer("other")
    await join(web.copies[1], other, "stage")
    await web.copies[1].relay.take_stage_text(other, {"type": "interrupt", "room": "one", "generation": 9})
    await web.copies[1].relay.take_stage_binary(other, *speech("one"))
    await web.copies[0].relay.take_stage_text(stage, {"type": "event", "room": "one", "event": {"type": "state"}})
    await eventually(lambda: ("one", {"type": "state"}) in web.events)
    assert "interrupt" not in render.types()
    assert render.binaries == []


async def test_viewers_at_every_copy_see_the_same_frames_at_the_same_time_of_the_room(
    web: WebCopies, stage: NotingPeer, render: NotingPeer
) -> None:
    pages = [Page(copy, "one") for copy in web.copies]
    begin = await go_live(web, render, *pages)
    await show(web, render, range(begin, begin + 100))
    last = build_frame(begin + 99).wall_us / 1000
    await eventually(lambda: all(page.frames[-1].wall_ms == last for page in pages))
    first, second = ([(frame.room_pts, frame.wall_ms) for frame in page.frames[-100:]] for page in pages)
    assert first == second
    for page in pages:
        page.leave()


async def test_late_viewer_begins_with_the_current_group_of_pictures(
    web: WebCopies, stage: NotingPeer, render: NotingPeer
) -> None:
    early = Page(web.copies[0], "one")
    begin = await go_live(web, render, early)
    await show(web, render, range(begin, 60))
    await eventually(lambda: early.frames[-1].wall_ms == build_frame(59).wall_us / 1000)
    late = Page(web.copies[0], "one")
    await eventually(lambda: len(late.frames) == 10)
    assert late.frames[0].key
    for page in (early, late):
        page.leave()


async def test_audience_is_the_sum(web: WebCopies, stage: NotingPeer, render: NotingPeer) -> None:
    pages = [Page(web.copies[number], "one") for number in (0, 0, 1)]
    count = {"type": "audience", "room": "one", "viewers": 3}
    await eventually(lambda: count in stage.texts)
    await eventually(lambda: all(copy.relay.viewer_count("one") == 3 for copy in web.copies))
    for page in pages:
        page.leave()
    await eventually(lambda: stage.texts[-1] == {**count, "viewers": 0})


async def test_speech_is_delivered_once_and_displayed_moments_grow(
    web: WebCopies, stage: NotingPeer, render: NotingPeer
) -> None:
    pages = [Page(copy, "one") for copy in web.copies]
    begin = await go_live(web, render, *pages)
    await show(web, render, range(begin, begin + 40), speaking=True)
    await eventually(lambda: "delivered" in stage.types() and "displayed" in stage.types())
    await web.copies[0].relay.tell_stage("one", {"type": "delivered", "epoch": 1, "pts": 5})
    await eventually(lambda: stage.texts[-1].get("pts") == 5)
    assert stage.types().count("delivered") == 2
    moments = [(text["epoch"], text["pts"]) for text in stage.texts if text["type"] == "displayed"]
    assert moments == sorted(set(moments))
    for page in pages:
        page.leave()


async def test_idle_clip_holds_the_picture_at_every_copy_when_render_is_lost(
    web: WebCopies, stage: NotingPeer, render: NotingPeer
) -> None:
    first = Page(web.copies[0], "one")
    for index in range(30):
        envelope = build_frame(index, epoch=0, key=index == 0)
        await web.copies[1].relay.take_render_binary(render, clip_frame("one", index, 30, envelope))
    second = Page(web.copies[1], "one")
    await go_live(web, render, first, second)
    await web.copies[1].relay.drop_render(render)
    await eventually(lambda: "render.lost" in stage.types())
    for page in (first, second):
        await eventually(lambda page=page: page.frames[-1].idle)
        pts = [frame.room_pts for frame in page.frames]
        assert pts == sorted(set(pts))
        page.leave()


async def test_room_that_lost_its_render_is_shown_by_the_next(
    web: WebCopies, stage: NotingPeer, render: NotingPeer
) -> None:
    await web.copies[1].relay.drop_render(render)
    again = NotingPeer("again")
    await join(web.copies[0], again, "render")
    await eventually(lambda: again.texts == [opening("one")])


async def test_lost_stage_is_told_to_render(web: WebCopies, stage: NotingPeer, render: NotingPeer) -> None:
    await web.copies[0].relay.drop_stage(stage)
    await eventually(lambda: render.texts[-1] == {"type": "stage.lost", "room": "one"})


async def test_closed_room_goes_off_air_everywhere(web: WebCopies, stage: NotingPeer, render: NotingPeer) -> None:
    pages = [Page(copy, "one") for copy in web.copies]
    await go_live(web, render, *pages)
    await web.copies[0].relay.take_stage_text(stage, {"type": "room.close", "room": "one"})
    await eventually(lambda: render.types()[-1] == "room.close")
    await eventually(lambda: all(copy.hub.room("one").state.value == "off_air" for copy in web.copies))
    for page in pages:
        page.leave()


async def test_pages_learn_how_many_chat(web: WebCopies, stage: NotingPeer) -> None:
    await web.copies[0].relay.tell_chatters("one", 2)
    if web.copies[0] is not web.copies[1]:
        await web.copies[1].relay.tell_chatters("one", 3)
        await eventually(lambda: web.events[-1:] == [("one", {"type": "viewers", "count": 5})])
        await web.copies[1].relay.tell_chatters("one", 0)
    await eventually(lambda: web.events[-1:] == [("one", {"type": "viewers", "count": 2})])
