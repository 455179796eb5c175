"""Sentences queue up and are given out a frame at a time."""

import numpy as np

from avatar_engine.speech_queue import SpeechQueue
from avatar_engine.timing import CHUNK_SAMPLES, SAMPLES_PER_FRAME
from avatar_engine.types import Mark
from avatar_engine.wire import Speech
from tests.fakes.render import FakeExtractor, build_capabilities

CHUNKS_PER_FRAME = SAMPLES_PER_FRAME // CHUNK_SAMPLES


def build_queue(lookahead: int = 0, limit_s: float = 15.0, **capabilities) -> SpeechQueue:
    return SpeechQueue(
        FakeExtractor(lookahead), build_capabilities(lookahead_frames=lookahead, **capabilities), limit_s=limit_s
    )


def speech(sentence: int, seq: int, frames: float, *, last=False, generation=0, marks=(), level=1000) -> Speech:
    chunks = round(frames * CHUNKS_PER_FRAME)
    pcm = np.full(chunks * CHUNK_SAMPLES, level, np.int16)
    return Speech("r", generation, 1, sentence, seq, last, pcm, tuple(marks))


def take_all(queue: SpeechQueue) -> list[tuple[int, int]]:
    """Sentence and index of every frame that can be had now."""
    taken = []
    while (frame := queue.take()) is not None:
        taken.append((frame.sentence.sentence, frame.index))
    return taken


def test_sentence_starts_only_with_two_frames_of_sound() -> None:
    queue = build_queue()
    queue.push(speech(1, 0, 1))
    assert queue.take() is None
    queue.push(speech(1, 1, 1))
    assert take_all(queue) == [(1, 0), (1, 1)]


def test_sentence_shorter_than_that_starts_when_it_is_whole() -> None:
    queue = build_queue()
    queue.push(speech(1, 0, 1, last=True))
    assert take_all(queue) == [(1, 0)]


def test_engine_that_looks_ahead_starts_later_by_what_it_looks_ahead() -> None:
    queue = build_queue(lookahead=3)
    queue.push(speech(1, 0, 4))
    assert queue.take() is None
    queue.push(speech(1, 1, 1))
    assert take_all(queue) == [(1, 0), (1, 1)]


def test_engine_that_looks_ahead_gets_silence_at_the_end_of_a_sentence() -> None:
    queue = build_queue(lookahead=3)
    queue.push(speech(1, 0, 6, last=True))
    assert take_all(queue) == [(1, index) for index in range(6)]


def test_next_sentence_goes_on_in_the_same_run_and_after_a_flush_in_a_new_one() -> None:
    extractor = FakeExtractor(1)
    queue = SpeechQueue(extractor, build_capabilities(lookahead_frames=1))
    queue.push(speech(1, 0, 3, last=True))
    queue.push(speech(2, 0, 3, last=True))
    assert len(extractor.streams) == 1
    assert len(take_all(queue)) == 6
    queue.push(speech(3, 0, 3, last=True))
    assert len(extractor.streams) == 2
    assert take_all(queue) == [(3, 0), (3, 1), (3, 2)]


def test_features_belong_to_the_frame_they_come_with() -> None:
    queue = build_queue(lookahead=2)
    for seq, level in enumerate((100, 200, 300, 400)):
        queue.push(speech(1, seq, 1, level=level, last=seq == 3))
    rows = []
    while (frame := queue.take()) is not None:
        rows.append((float(frame.features[0, 0]), int(frame.pcm[0])))
    assert rows == [(level, level) for level in (100, 200, 300, 400)]


def test_engine_that_is_not_realtime_waits_for_the_whole_sentence() -> None:
    queue = build_queue(realtime=False)
    queue.push(speech(1, 0, 20))
    assert queue.take() is None
    queue.push(speech(1, 1, 0, last=True))
    assert len(take_all(queue)) == 20


def test_sound_that_ends_between_frames_is_filled_with_silence() -> None:
    queue = build_queue()
    queue.push(speech(1, 0, 2.5, last=True))
    frames = [queue.take() for _ in range(3)]
    assert frames[2] is not None
    assert frames[2].pcm[:CHUNK_SAMPLES].all()
    assert not frames[2].pcm[CHUNK_SAMPLES:].any()
    assert queue.take() is None


def test_repeated_piece_is_refused() -> None:
    queue = build_queue()
    assert queue.push(speech(1, 0, 2))
    assert not queue.push(speech(1, 0, 2))
    assert queue.push(speech(1, 1, 2, last=True))
    assert queue.refused == 1
    assert len(take_all(queue)) == 4


def test_sentence_that_is_whole_takes_no_more() -> None:
    queue = build_queue()
    queue.push(speech(1, 0, 2, last=True))
    assert not queue.push(speech(1, 1, 2))
    assert not queue.push(speech(1, 0, 2, last=True))
    assert len(take_all(queue)) == 2


def test_sentence_cannot_begin_in_the_middle() -> None:
    queue = build_queue()
    assert not queue.push(speech(1, 1, 2, last=True))
    assert queue.current is None


def test_missing_piece_ends_the_sentence_before_the_gap_so_that_the_next_one_is_heard() -> None:
    queue = build_queue()
    queue.push(speech(1, 0, 2))
    assert not queue.push(speech(1, 2, 2, last=True))
    queue.push(speech(2, 0, 2, last=True))
    assert take_all(queue) == [(1, 0), (1, 1), (2, 0), (2, 1)]


def test_full_queue_refuses_and_ends_the_sentence() -> None:
    queue = build_queue(limit_s=1.0)
    for seq in range(2):
        assert queue.push(speech(1, seq, 25))
    assert not queue.push(speech(1, 2, 25))
    assert queue.refused == 1
    assert queue.current is not None
    assert queue.current.complete
    assert queue.buffered_ms == 2000


def test_underrun_in_a_sentence_waits_and_goes_on_with_the_next_frame() -> None:
    queue = build_queue()
    queue.push(speech(1, 0, 2))
    assert take_all(queue) == [(1, 0), (1, 1)]
    queue.push(speech(1, 1, 1))
    assert take_all(queue) == [(1, 2)]


def test_truncated_sentence_is_what_has_arrived() -> None:
    queue = build_queue()
    queue.push(speech(1, 0, 2.5))
    queue.truncate()
    assert len(take_all(queue)) == 2
    assert queue.current is not None
    assert queue.current.complete


def test_only_performed_sentences_are_finished() -> None:
    queue = build_queue()
    queue.push(speech(1, 0, 2, last=True))
    take_all(queue)
    assert queue.finish_empty() == []
    assert queue.sentence_ids == [1]
    assert queue.current is not None
    queue.current.performed = 2
    assert [sentence.sentence for sentence in queue.finish_empty()] == [1]
    assert queue.sentence_ids == []


def test_interrupt_drops_older_generations_and_keeps_the_new_one() -> None:
    queue = build_queue(lookahead=1)
    queue.push(speech(1, 0, 5, generation=1))
    queue.take()
    queue.push(speech(2, 0, 2, generation=1, last=True))
    queue.push(speech(3, 0, 3, generation=2, last=True))
    dropped = queue.drop_older(2)
    assert [(sentence.sentence, sentence.taken) for sentence in dropped] == [(1, 1), (2, 0)]
    assert queue.buffered_ms == 120
    assert take_all(queue) == [(3, 0), (3, 1), (3, 2)]


def test_marks_come_near_their_frame_with_times_from_it() -> None:
    queue = build_queue()
    marks = [Mark("word", "early", 0, 200), Mark("word", "late", 2000, 2200)]
    queue.push(speech(1, 0, 60, last=True, marks=marks))
    frames = [queue.take() for _ in range(60)]
    assert frames[0] is not None
    assert frames[49] is not None
    assert frames[0].marks == (Mark("word", "early", 0, 200),)
    assert frames[49].marks == (Mark("word", "late", 40, 240),)
