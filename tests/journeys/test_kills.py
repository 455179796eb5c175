"""kill -9 of each process while somebody chats: it comes back, the picture moves, nothing is lost or said twice."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.live_system import LiveSystem, wait_until
from tests.support.socket_viewer import SocketViewer

pytestmark = pytest.mark.journey


def frames_moving(viewer: SocketViewer, since: int) -> bool:
    """Live frames have come after fragment number `since`."""
    return any(not f.held for f in viewer.fragments[since:])


async def ask_and_kill(system: LiveSystem, viewer: SocketViewer, name: str) -> int:
    """Ask, wait for the first spoken frame, kill; returns the message's id."""
    seen = len(viewer.fragments)
    message = await viewer.say(f"Tell me something about the {name}.")
    await viewer.wait(lambda: any(f.speaking for f in viewer.fragments[seen:]), 30)
    await asyncio.sleep(0.4)
    system.kill(name)
    return message


def assert_nothing_twice(system: LiveSystem) -> None:
    """Every message has an end state, and no sentence was put on air again after it was heard."""
    states = {row["state"] for row in system.rows("SELECT state FROM chat_message")}
    assert states <= {"answered", "shed", "failed"}
    for turn in system.rows("SELECT id FROM chat_turn"):
        heard = system.rows("SELECT heard FROM chat_sentence WHERE turn_id = ? AND state = 'heard'", turn["id"])
        texts = [row["heard"] for row in heard]
        assert len(texts) == len(set(texts))


def heard_once(viewer: SocketViewer) -> None:
    """No sentence was at two places of the stream; a page that dials again is told once more of the one on air."""
    places = {(event["sentence"], event["epoch"], event["pts"]) for event in viewer.of("reply")}
    assert len(places) == len({sentence for sentence, _, _ in places})


async def test_render_killed_holds_the_picture_and_speaks_again(system: LiveSystem, viewer: SocketViewer) -> None:
    wait_until(lambda: any((system.data / "idle_clips").glob("*")), 60)
    message = await ask_and_kill(system, viewer, "render")
    killed = len(viewer.fragments)
    await viewer.wait(lambda: any(f.held for f in viewer.fragments[killed:]), 5)
    await viewer.wait(lambda: frames_moving(viewer, killed), 20)
    await viewer.wait(lambda: viewer.state_of(message) == "answered", 40)
    pts = [f.room_pts for f in viewer.fragments]
    assert pts == sorted(pts)
    heard_once(viewer)
    again = await viewer.say("Are you back?")
    await viewer.wait(lambda: viewer.state_of(again) == "answered", 40)
    assert_nothing_twice(system)


async def test_stage_killed_goes_on_with_the_next_sentence(system: LiveSystem, viewer: SocketViewer) -> None:
    message = await ask_and_kill(system, viewer, "stage")
    await viewer.wait(lambda: viewer.state_of(message) == "answered", 60)
    heard_once(viewer)
    again = await viewer.say("And now?")
    await viewer.wait(lambda: viewer.state_of(again) == "answered", 40)
    assert_nothing_twice(system)


async def test_web_killed_pages_come_back_and_the_answer_is_not_lost(system: LiveSystem, viewer: SocketViewer) -> None:
    message = await ask_and_kill(system, viewer, "web")
    killed = len(viewer.fragments)
    await viewer.wait(lambda: frames_moving(viewer, killed), 30)
    wait_until(
        lambda: system.rows("SELECT state FROM chat_message WHERE id = ?", message)[0]["state"] == "answered", 60
    )
    again = await viewer.say("Can you hear me?")
    await viewer.wait(lambda: viewer.state_of(again) == "answered", 40)
    heard_once(viewer)
    assert_nothing_twice(system)


@pytest.mark.parametrize("name", ["worker", "beat"])
async def test_background_process_killed_nobody_notices(system: LiveSystem, viewer: SocketViewer, name: str) -> None:
    first = system.processes()[name].pid
    system.kill(name)
    message = await viewer.say(f"Did the {name} stop?")
    await viewer.wait(lambda: viewer.state_of(message) == "answered", 40)
    wait_until(lambda: name in system.processes() and system.processes()[name].pid != first, 30)


async def test_message_sent_while_stage_is_away_is_answered_later(system: LiveSystem, viewer: SocketViewer) -> None:
    system.kill("stage")
    message = await viewer.say("Is anybody there?")
    await viewer.wait(lambda: viewer.state_of(message) == "answered", 60)
    assert viewer.replies_to(message)
