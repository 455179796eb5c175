"""Sentences waiting to be performed, cut into frames of sound with their features."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from avatar_engine.lipsync.base import Capabilities, FeatureExtractor, FeatureStream
from avatar_engine.timing import FRAME_MS, SAMPLES_PER_FRAME
from avatar_engine.types import Float32, Int16, Mark
from avatar_engine.wire import Speech

START_FRAMES = 2
MARK_MARGIN_MS = 400.0


@dataclass(slots=True)
class QueuedSentence:
    """One sentence as far as its sound has arrived. `taken` counts frames given out to be drawn, `performed` those
    that went on air."""

    sentence: int
    turn: int
    generation: int
    marks: list[Mark] = field(default_factory=list)
    complete: bool = False
    frames: int = 0
    taken: int = 0
    performed: int = 0
    next_seq: int = 0
    rest: Int16 = field(default_factory=lambda: np.zeros(0, np.int16))

    def end_here(self) -> None:
        """No more sound will come: what has arrived is all of it."""
        self.complete = True
        self.rest = np.zeros(0, np.int16)

    @property
    def ended(self) -> bool:
        return self.complete and self.performed == self.frames


@dataclass(slots=True)
class _Run:
    """Speech without a pause: one feature stream."""

    stream: FeatureStream
    closed: bool = False


@dataclass(frozen=True, slots=True)
class SpokenFrame:
    """40 ms of speech ready to be drawn. `index` is its place in its sentence."""

    sentence: QueuedSentence
    index: int
    pcm: Int16
    features: Float32
    marks: tuple[Mark, ...]

    @property
    def is_first(self) -> bool:
        return self.index == 0


class SpeechQueue:
    """First in, first out, by sentence. Bounded: past `limit_s` of sound it refuses more.

    `drop_older(generation)` empties it of everything that an interrupt made stale.
    """

    def __init__(self, extractor: FeatureExtractor, capabilities: Capabilities, limit_s: float = 15.0) -> None:
        self._extractor = extractor
        self._capabilities = capabilities
        self._limit_frames = round(limit_s * 1000 / FRAME_MS)
        self._sentences: deque[QueuedSentence] = deque()
        self._frames: deque[tuple[QueuedSentence, int, Int16, _Run]] = deque()
        self._run: _Run | None = None
        self.refused = 0

    @property
    def buffered_ms(self) -> int:
        """Speech that waits, in milliseconds."""
        return len(self._frames) * FRAME_MS

    @property
    def current(self) -> QueuedSentence | None:
        """The sentence that is or will next be performed."""
        return self._sentences[0] if self._sentences else None

    @property
    def sentence_ids(self) -> list[int]:
        return [sentence.sentence for sentence in self._sentences]

    def peek_pcm(self) -> Int16 | None:
        """The sound of the next frame, or None."""
        return self._frames[0][2] if self._frames else None

    def push(self, speech: Speech) -> bool:
        """Take sound. False where it does not fit or comes out of order; it is then dropped and counted.

        A sentence of which a part is missing ends with what had arrived before the gap.
        """
        sentence = self._sentence_of(speech)
        if sentence is None or speech.seq < sentence.next_seq:
            self.refused += 1
            return False
        if speech.seq > sentence.next_seq or len(self._frames) > self._limit_frames:
            self.refused += 1
            sentence.end_here()
            return False
        sentence.next_seq += 1
        sentence.marks.extend(speech.marks)
        sound = np.concatenate([sentence.rest, speech.pcm])
        if speech.last:
            sound = np.pad(sound, (0, -len(sound) % SAMPLES_PER_FRAME))
            sentence.complete = True
        whole = len(sound) // SAMPLES_PER_FRAME
        for number in range(whole):
            self._append(sentence, sound[number * SAMPLES_PER_FRAME : (number + 1) * SAMPLES_PER_FRAME])
        sentence.rest = sound[whole * SAMPLES_PER_FRAME :]
        return True

    def _sentence_of(self, speech: Speech) -> QueuedSentence | None:
        for sentence in self._sentences:
            if sentence.sentence == speech.sentence:
                return None if sentence.complete else sentence
        if speech.seq != 0:
            return None
        sentence = QueuedSentence(speech.sentence, speech.turn, speech.generation)
        self._sentences.append(sentence)
        return sentence

    def _append(self, sentence: QueuedSentence, pcm: Int16) -> None:
        if self._run is None or self._run.closed:
            self._run = _Run(self._extractor.open())
        self._run.stream.push(pcm)
        self._frames.append((sentence, sentence.frames, pcm, self._run))
        sentence.frames += 1

    def truncate(self) -> None:
        """No more sound will come for sentences that are not complete: what has arrived is all of them."""
        for sentence in self._sentences:
            sentence.end_here()

    def finish_empty(self) -> list[QueuedSentence]:
        """Remove and return sentences at the head that are complete and performed to their end."""
        done = []
        while self._sentences and self._sentences[0].ended:
            done.append(self._sentences.popleft())
        return done

    def take(self) -> SpokenFrame | None:
        """The next frame of speech, or None while there is none, or not yet enough to start the sentence."""
        if not self._frames:
            return None
        sentence, index, pcm, run = self._frames[0]
        if index == 0 and not self._may_start(sentence):
            return None
        if run.stream.ready == 0:
            if not sentence.complete:
                return None
            run.stream.push(np.zeros(0, np.int16), last=True)
            run.closed = True
        self._frames.popleft()
        sentence.taken += 1
        return SpokenFrame(sentence, index, pcm, run.stream.take(1), _marks_around(sentence.marks, index))

    def _may_start(self, sentence: QueuedSentence) -> bool:
        if sentence.complete:
            return True
        if not self._capabilities.realtime:
            return False
        return sentence.frames >= START_FRAMES + self._capabilities.lookahead_frames

    def drop_older(self, generation: int) -> list[QueuedSentence]:
        """Forget every sentence of an older generation; returns them, the one on air first."""
        dropped = [sentence for sentence in self._sentences if sentence.generation < generation]
        if dropped:
            self._sentences = deque(s for s in self._sentences if s.generation >= generation)
            kept = [item for item in self._frames if item[0].generation >= generation]
            self._frames.clear()
            self._run = None
            for sentence, index, pcm, _ in kept:
                sentence.frames = index
                self._append(sentence, pcm)
        return dropped


def _marks_around(marks: list[Mark], index: int) -> tuple[Mark, ...]:
    """Marks near frame `index`, with times from the start of that frame."""
    now = index * FRAME_MS
    return tuple(
        Mark(mark.kind, mark.text, mark.start_ms - now, mark.end_ms - now)
        for mark in marks
        if mark.end_ms > now - MARK_MARGIN_MS and mark.start_ms < now + FRAME_MS + MARK_MARGIN_MS
    )
