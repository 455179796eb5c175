"""One message's trip through all processes, and what viewers see of each other's."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import numpy as np
import pytest

from tests.support.console import Console
from tests.support.live_system import LiveSystem
from tests.support.socket_viewer import SocketViewer, loudness_per_frame

pytestmark = pytest.mark.journey

LONG_LINE = "One two three four five six seven eight nine ten, and then all the way back down again to one. " * 3


async def test_message_comes_back_as_voice_and_speaking_frames(system: LiveSystem, viewer: SocketViewer) -> None:
    message = await viewer.say("Hello, who are you?")
    await viewer.wait(lambda: viewer.state_of(message) == "answered", 40)
    replies = viewer.replies_to(message)
    assert replies
    speaking = [number for number, fragment in enumerate(viewer.fragments) if fragment.speaking]
    run = viewer.run_around(speaking[0], speaking[-1] + 1)
    pictures, sound = viewer.decode(run)
    flags = np.array([fragment.speaking for fragment in run])
    loud = loudness_per_frame(sound)[: len(flags)]
    assert len(pictures) == len(run)
    assert pictures[0].shape == (540, 960, 3)
    assert loud[flags[: len(loud)]].max() > 0.05
    assert np.median(loud[~flags[: len(loud)]]) < 0.002


async def test_row_and_stamps_tell_the_whole_trip(system: LiveSystem, viewer: SocketViewer) -> None:
    message = await viewer.say("Where do you live?")
    await viewer.wait(lambda: viewer.state_of(message) == "answered", 40)
    turn = next(turn for turn in system.turns() if turn["message_id"] == message)
    sentences = system.rows('SELECT * FROM chat_sentence WHERE turn_id = ? ORDER BY "index"', turn["id"])
    assert turn["state"] == "finished"
    assert [s["state"] for s in sentences] == ["heard"] * len(sentences)
    assert turn["heard"] == " ".join(viewer.replies_to(message))
    order = ["received", "accepted", "picked", "prompt_sent", "first_token", "first_sentence", "voice_sent"]
    order += ["first_sound", "first_frame", "delivered", "displayed"]
    assert list(sorted(turn["stamps"], key=turn["stamps"].get)) == order


async def test_captions_carry_the_time_of_their_words(viewer: SocketViewer) -> None:
    message = await viewer.say("Tell me more.")
    await viewer.wait(lambda: viewer.state_of(message) == "answered", 40)
    caption = viewer.of("caption")[-1]
    offset = {note["epoch"]: note["offset"] for note in viewer.media_notes if note["type"] == "timeline"}
    starts = {f.room_pts for f in viewer.fragments if f.speaking}
    assert caption["pts"] + offset[caption["epoch"]] in starts
    times = [start for _, start, _ in caption["words"]]
    assert times == sorted(times)
    assert len(times) >= 3
    assert caption["words"][-1][2] <= caption["duration_ms"] + 40


async def test_repeated_client_id_makes_one_row(system: LiveSystem, viewer: SocketViewer) -> None:
    first = await viewer.say("Only once, please.", "same-id")
    viewer.events.clear()
    assert await viewer.say("Only once, please.", "same-id") == first
    assert len(system.rows("SELECT id FROM chat_message WHERE client_id = 'same-id'")) == 1


async def test_operator_interrupt_leaves_the_words_heard(system: LiveSystem, viewer: SocketViewer) -> None:
    async with Console(system) as console:
        await console.say("mira", LONG_LINE)
        await viewer.wait(lambda: any(e["state"] == "speaking" for e in viewer.of("state")), 20)
        await asyncio.sleep(1.5)
        await console.interrupt("mira")
        await viewer.wait(lambda: bool(viewer.of("interrupted")), 5)
    await viewer.wait(lambda: viewer.of("state")[-1]["state"] == "idle", 5)
    turn = system.turns()[-1]
    assert turn["state"] == "interrupted"
    assert 0 < len(turn["heard"].split()) < 12
    assert LONG_LINE.startswith(turn["heard"])
    await asyncio.sleep(1.0)
    assert not any(fragment.speaking for fragment in viewer.fragments[-10:])


async def test_operator_line_goes_before_a_viewers_answer(system: LiveSystem, viewer: SocketViewer) -> None:
    await viewer.say("Say something long about the sea and its many harbours.")
    await viewer.wait(lambda: any(e["state"] == "speaking" for e in viewer.of("state")), 20)
    async with Console(system) as console:
        await console.say("mira", "Attention please.")
    await viewer.wait(lambda: any(e["text"] == "Attention please." for e in viewer.of("reply")), 15)
    kinds = [(turn["kind"], turn["state"]) for turn in system.turns()[-2:]]
    assert kinds[0] == ("viewer", "interrupted")


async def test_everyone_gets_the_same_frames(system: LiveSystem, viewer: SocketViewer) -> None:
    async with SocketViewer(system.ws_url, name="Bo") as second, SocketViewer(system.ws_url, name="Cy") as third:
        await third.wait(lambda: len(third.fragments) > 60, 20)
        everyone = [{f.seq: f.data for f in v.fragments} for v in (viewer, second, third)]
        common = set(everyone[0]) & set(everyone[1]) & set(everyone[2])
        assert len(common) > 40
        for seq in common:
            assert everyone[0][seq] == everyone[1][seq] == everyone[2][seq]


async def test_late_joiner_starts_with_a_key_frame(system: LiveSystem, viewer: SocketViewer) -> None:
    async with SocketViewer(system.ws_url, name="Late") as late:
        await late.wait(lambda: len(late.fragments) > 3, 5)
        assert late.fragments[0].key
        pictures, _ = late.decode(late.fragments[:3])
        assert len(pictures) == 3


async def test_hung_viewer_is_let_go_and_slows_nobody(system: LiveSystem, viewer: SocketViewer) -> None:
    async with SocketViewer(system.ws_url, name="Hung", acknowledge=False) as hung:
        await hung.wait(lambda: len(hung.fragments) >= 40, 20)
        seen = len(viewer.fragments)
        await hung.wait(lambda: hung.media_closed is not None, 30)
        assert hung.media_closed == 4408
        # Nothing is sent past the window of two seconds and the group of frames that a joiner gets.
        assert len(hung.fragments) <= 110
        times = [f.at_s for f in viewer.fragments[seen:]]
        assert len(times) > 200
        assert max(later - sooner for sooner, later in pairwise(times)) < 1.0


async def test_two_rooms_never_mix(system: LiveSystem, viewer: SocketViewer) -> None:
    columns = [
        c["name"] for c in system.rows("PRAGMA table_info(chat_room)") if c["name"] not in ("id", "slug", "title")
    ]
    names = ", ".join(columns)
    copied = f"SELECT 'second', 'Second', {names} FROM chat_room WHERE slug = 'mira'"
    system.execute(f"INSERT INTO chat_room (slug, title, {names}) {copied}")
    system.execute(
        "UPDATE chat_room SET lease_owner='', lease_expires_at=NULL, persona_name='Nora' WHERE slug='second'"
    )
    async with SocketViewer(system.ws_url, "second", name="Zoe") as other:
        await other.wait(lambda: len(other.fragments) > 30, 30)
        mine, theirs = await viewer.say("First room here."), await other.say("Second room here.")
        await viewer.wait(lambda: viewer.state_of(mine) == "answered", 40)
        await other.wait(lambda: other.state_of(theirs) == "answered", 40)
        assert {e["name"] for e in other.of("reply")} == {"Nora"}
        assert {e["name"] for e in viewer.of("reply")} == {"Mira"}
        assert not any(e["text"] == "Second room here." for e in viewer.of("message"))
        assert not any(e["text"] == "First room here." for e in other.of("message"))
        shared = {f.data for f in viewer.fragments} & {f.data for f in other.fragments}
        assert not shared
    system.execute("UPDATE chat_room SET is_on_air = 0 WHERE slug = 'second'")
