"""Parts that are away from the start: language model, voice, network. The show goes on and says so in its rows."""

from __future__ import annotations

import json

import pytest

from mysite.machine import find_free_port
from tests.support.live_system import LiveSystem, wait_until
from tests.support.socket_viewer import SocketViewer

pytestmark = pytest.mark.journey


def restart_room(system: LiveSystem, **fields: str) -> None:
    """Change the room's row and put it on air anew, as the console does."""
    system.execute("UPDATE chat_room SET is_on_air = 0, generation = generation + 1")
    wait_until(lambda: not system.rows("SELECT lease_owner AS o FROM chat_room")[0]["o"], 20)
    changes = "".join(f", {name} = ?" for name in fields)
    system.execute(f"UPDATE chat_room SET is_on_air = 1{changes}", *fields.values())
    system.wait_on_air(40)


async def ask(viewer: SocketViewer, text: str) -> int:
    """Ask and wait for the answer; returns the message's id."""
    message = await viewer.say(text)
    await viewer.wait(lambda: viewer.state_of(message) == "answered", 60)
    return message


def turn_of(system: LiveSystem, message: int) -> dict:
    return next(turn for turn in system.turns() if turn["message_id"] == message)


async def test_endpoint_that_is_down_is_named_and_persona_lines_answer(system: LiveSystem) -> None:
    port = find_free_port("127.0.0.1", 8900)
    endpoint = {"base_url": f"http://127.0.0.1:{port}/v1", "model": "away"}
    restart_room(system, llm=json.dumps([endpoint]))
    async with SocketViewer(system.ws_url) as viewer:
        turn = turn_of(system, await ask(viewer, "Anybody home?"))
    attempts = [entry for entry in json.loads(turn["happened"]) if entry["what"] == "model"]
    assert [attempt["outcome"] for attempt in attempts] == ["failed", "answered"]
    assert turn["stamps"]["first_sentence"] - turn["stamps"]["prompt_sent"] < 3
    assert turn["heard"]


async def test_network_voice_without_network_never_holds_the_first_sound_up(system: LiveSystem) -> None:
    restart_room(system, voices=json.dumps(["edge", "hibari"]), llm="[]")
    async with SocketViewer(system.ws_url) as viewer:
        turn = turn_of(system, await ask(viewer, "Can you speak without the network?"))
    assert turn["voice_name"] == "hibari"
    assert turn["stamps"]["first_sound"] - turn["stamps"]["voice_sent"] < 1.0


async def test_no_voice_at_all_leaves_captions_that_go_on(system: LiveSystem) -> None:
    restart_room(system, voices=json.dumps(["edge"]), llm="[]")
    async with SocketViewer(system.ws_url) as viewer:
        message = await ask(viewer, "And without any voice?")
        captions = viewer.of("caption")
    turn = turn_of(system, message)
    assert turn["heard"]
    assert captions
    assert captions[-1]["words"]
    voices = [entry for entry in json.loads(turn["happened"]) if entry["what"] == "voice"]
    assert turn["voice_name"] == "silence" or voices
