"""Stage's side of one presenter: sound goes out within the credit, and what comes back is told."""

import asyncio

import numpy as np
import pytest

from avatar_engine.client import CREDIT_MS, Presenter, RenderLost
from avatar_engine.errors import VoiceError
from avatar_engine.timing import CHUNK_MS, CHUNK_SAMPLES
from avatar_engine.types import AudioChunk, Mark
from tests.fakes.clock import in_virtual_time, settle
from tests.fakes.link import RecordingLink
from tests.fakes.render import SPEC


def playhead(epoch: int = 5, pts: int = 0, buffered_ms: int = 0, sentences: tuple[int, ...] = ()) -> dict:
    return {
        "type": "playhead",
        "room": "r",
        "epoch": epoch,
        "pts": pts,
        "buffered_ms": buffered_ms,
        "sentences": list(sentences),
    }


def build_presenter(*, ready: bool = True) -> tuple[Presenter, RecordingLink]:
    link = RecordingLink()
    presenter = Presenter("r", SPEC, link)
    presenter.open(3)
    if ready:
        show(presenter)
    return presenter, link


def show(presenter: Presenter, epoch: int = 5) -> None:
    presenter.take({"type": "room.opened", "room": "r", "epoch": epoch, "pts": 0})
    presenter.take(playhead(epoch))


class Sound:
    """Chunks that count up; `closed` tells that it was."""

    def __init__(self, chunks: int, *, fail_after: int | None = None) -> None:
        self.chunks = chunks
        self.fail_after = fail_after
        self.given = 0
        self.closed = False

    async def speak(self):
        try:
            for number in range(self.chunks):
                if number == self.fail_after:
                    raise VoiceError("broken")
                self.given += 1
                marks = (Mark("word", str(number), number * 20.0, number * 20.0 + 20),)
                yield AudioChunk(np.full(CHUNK_SAMPLES, number, np.int16), marks)
                await asyncio.sleep(0)
        finally:
            self.closed = True


@in_virtual_time
async def test_room_is_opened_with_its_spec() -> None:
    _, link = build_presenter(ready=False)
    (opening,) = link.of_type("room.open")
    assert opening["generation"] == 3
    assert set(opening["spec"]) == {"engine", "avatar", "width", "height", "seed", "video_kbps"}


@in_virtual_time
async def test_ready_only_when_render_has_said_what_it_holds() -> None:
    presenter, _ = build_presenter(ready=False)
    told = []
    presenter.on_ready = lambda: told.append(presenter.held_sentences)
    presenter.take(playhead(5, sentences=(1,)))
    presenter.take({"type": "room.opened", "room": "r", "epoch": 5, "pts": 960})
    assert not presenter.ready.is_set()
    presenter.take(playhead(4, sentences=(9,)))
    assert not presenter.ready.is_set()
    presenter.take(playhead(5, pts=1920, sentences=(1, 2)))
    assert presenter.ready.is_set()
    assert told == [frozenset({1, 2})]
    presenter.take(playhead(5, pts=3840))
    assert len(told) == 1


@in_virtual_time
async def test_sentence_goes_out_in_a_short_piece_first_and_longer_ones_after() -> None:
    presenter, link = build_presenter()
    first = []
    sound = Sound(60)
    await presenter.speak(7, 2, 3, sound.speak(), on_first=lambda: first.append(sound.given))
    pieces = link.speech()
    assert [len(piece.pcm) // CHUNK_SAMPLES for piece in pieces] == [5, 25, 25, 5]
    assert [piece.seq for piece in pieces] == [0, 1, 2, 3]
    assert [piece.last for piece in pieces] == [False, False, False, True]
    assert {(piece.sentence, piece.turn, piece.generation) for piece in pieces} == {(7, 2, 3)}
    assert np.concatenate([piece.pcm for piece in pieces])[::CHUNK_SAMPLES].tolist() == list(range(60))
    assert [mark.text for piece in pieces for mark in piece.marks] == [str(number) for number in range(60)]
    assert first == [1]


@in_virtual_time
async def test_no_more_than_ten_seconds_are_sent_ahead() -> None:
    presenter, link = build_presenter()
    task = asyncio.create_task(presenter.speak(1, 1, 3, Sound(2000).speak()))
    await settle()

    def sent_ms() -> int:
        return sum(len(piece.pcm) for piece in link.speech()) // CHUNK_SAMPLES * CHUNK_MS

    assert CREDIT_MS <= sent_ms() <= CREDIT_MS + 500
    presenter.take(playhead(buffered_ms=4000))
    await settle()
    assert sent_ms() <= 2 * CREDIT_MS - 4000 + 1000
    before = sent_ms()
    presenter.take(playhead(buffered_ms=CREDIT_MS + 500))
    await settle()
    assert sent_ms() == before
    task.cancel()


@in_virtual_time
async def test_speech_is_refused_while_nobody_renders() -> None:
    presenter, link = build_presenter(ready=False)
    sound = Sound(10)
    with pytest.raises(RenderLost):
        await presenter.speak(1, 1, 3, sound.speak())
    assert sound.closed
    assert not link.speech()


@in_virtual_time
async def test_speech_that_waits_for_credit_ends_when_render_is_lost() -> None:
    presenter, _ = build_presenter()
    lost = []
    presenter.on_lost = lambda: lost.append(True)
    sound = Sound(2000)
    task = asyncio.create_task(presenter.speak(1, 1, 3, sound.speak()))
    await settle()
    presenter.take({"type": "render.lost", "room": "r"})
    with pytest.raises(RenderLost):
        await asyncio.wait_for(task, 1)
    assert sound.closed
    assert lost == [True]
    presenter.link_down()
    assert lost == [True]


@in_virtual_time
async def test_speech_begun_for_one_render_is_not_finished_in_another() -> None:
    presenter, link = build_presenter()
    gate = asyncio.Event()

    async def slow():
        for number in range(40):
            if number == 20:
                await gate.wait()
            yield AudioChunk(np.full(CHUNK_SAMPLES, number, np.int16))

    task = asyncio.create_task(presenter.speak(1, 1, 3, slow()))
    await settle()
    presenter.take({"type": "render.lost", "room": "r"})
    show(presenter, epoch=6)
    gate.set()
    with pytest.raises(RenderLost):
        await asyncio.wait_for(task, 1)
    assert [piece.seq for piece in link.speech()] == [0]


@in_virtual_time
async def test_voice_that_fails_in_the_middle_closes_the_sentence_for_render() -> None:
    presenter, link = build_presenter()
    with pytest.raises(VoiceError):
        await presenter.speak(1, 1, 3, Sound(20, fail_after=8).speak())
    pieces = link.speech()
    assert [(len(piece.pcm) // CHUNK_SAMPLES, piece.last) for piece in pieces] == [(5, False), (3, True)]


@in_virtual_time
async def test_voice_that_fails_at_once_sends_nothing() -> None:
    presenter, link = build_presenter()
    with pytest.raises(VoiceError):
        await presenter.speak(1, 1, 3, Sound(20, fail_after=0).speak())
    assert not link.speech()


@in_virtual_time
async def test_interrupt_gives_the_credit_back() -> None:
    presenter, link = build_presenter()
    task = asyncio.create_task(presenter.speak(1, 1, 3, Sound(2000).speak()))
    await settle()
    task.cancel()
    presenter.interrupt(4)
    assert link.texts[-1] == {"type": "interrupt", "room": "r", "generation": 4}
    await asyncio.wait_for(presenter.speak(2, 2, 4, Sound(100).speak()), 1)


@in_virtual_time
async def test_last_known_pts_of_the_epoch_before_is_remembered() -> None:
    presenter, _ = build_presenter()
    presenter.take(playhead(5, pts=48_000))
    show(presenter, epoch=6)
    assert presenter.last_pts_of(5) == 48_000
    assert presenter.last_pts_of(6) == 0
    assert presenter.last_pts_of(4) == 0


@in_virtual_time
async def test_trouble_is_kept_until_the_room_is_shown() -> None:
    presenter, _ = build_presenter()
    presenter.take({"type": "room.failed", "room": "r", "reason": "no such avatar"})
    assert presenter.trouble == "no such avatar"
    assert not presenter.ready.is_set()
    show(presenter)
    assert presenter.trouble == ""


@in_virtual_time
async def test_messages_go_to_who_listens() -> None:
    presenter, _ = build_presenter()
    got: list[tuple[str, str]] = []
    presenter.on_report = lambda message: got.append(("report", message["type"]))
    presenter.on_seen = lambda message: got.append(("seen", message["type"]))
    presenter.on_silent = lambda message: got.append(("silent", message["type"]))
    for kind in ("report", "displayed", "delivered", "interrupted", "something new"):
        presenter.take({"type": kind, "room": "r"})
    presenter.take({"type": "audience", "room": "r", "viewers": 4})
    assert got == [("report", "report"), ("seen", "displayed"), ("seen", "delivered"), ("silent", "interrupted")]
    assert presenter.viewers == 4
