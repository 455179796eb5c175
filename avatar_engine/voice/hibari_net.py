"""hibari's network and its reading of English, loaded. Blocking; lives in one thread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avatar_engine.errors import VoiceError
from avatar_engine.timing import SAMPLE_RATE_HZ
from avatar_engine.types import Float32, Int16, Mark
from avatar_engine.voice.hibari_marks import UNIT_MS, Sound, build_phoneme_marks, build_sounds, time_groups
from avatar_engine.voice.hibari_text import build_reading
from avatar_engine.voice.words import align_words, split_words, spread_words

NET_RATE_HZ = 24_000
LEAD_MS = 40.0
TAIL_MS = 80.0
BETWEEN_SENTENCES_MS = 240.0
GAIN = 1.8
"""Brings speech to -20 dB while it sounds; the loudest peak of 27 sentences, shouts among them, then is 0.9."""
_MAX_SYMBOLS = 400
_CLAUSE_ENDS = ",;:—"
_DURATIONS = "/Clip_output_0"
_QUIET_DB = -40.0
_WINDOW_MS = 5
_WINDOW = NET_RATE_HZ * _WINDOW_MS // 1000


@dataclass(frozen=True, slots=True)
class Passage:
    """What the network says in one go: a phoneme string, which symbols belong to which said word, what was written."""

    symbols: str
    groups: tuple[tuple[str, int, int], ...]
    words: tuple[str, ...]
    last: bool


@dataclass(frozen=True, slots=True)
class Utterance:
    """int16[n] mono at 48 kHz and its marks, times from its first sample."""

    pcm: Int16
    marks: tuple[Mark, ...]


class HibariNet:
    """Use `HibariNet.load()`. One call at a time."""

    def __init__(self, session: Any, g2p: Any, alphabet: dict[str, int]) -> None:
        self._session = session
        self._g2p = g2p
        self._alphabet = alphabet

    @classmethod
    def load(cls) -> HibariNet:
        """Load network, lexicon and tagger from the installed package (0.5 s). Raises `VoiceError`."""
        try:
            import onnxruntime
            from hibari.g2p import G2P
            from hibari.voices import ASSETS, DEFAULT, voice_path
        except ImportError as error:
            raise VoiceError(f"hibari-tts is not installed: {error}", retryable=False) from error
        load_errors: tuple[type[Exception], ...] = (OSError, *_onnx_errors())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            model = _expose_output(Path(voice_path(DEFAULT, download_missing=False)).read_bytes(), _DURATIONS)
            session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            alphabet = json.loads((Path(ASSETS) / "vocab.json").read_text(encoding="utf-8"))
            return cls(session, G2P(), alphabet)
        except load_errors as error:
            raise VoiceError(f"hibari-tts does not load: {error}", retryable=False) from error

    def read(self, text: str) -> list[Passage]:
        """Split a text into passages. Empty where nothing in it can be said."""
        from hibari.tts import Hibari

        passages: list[Passage] = []
        for sentence in Hibari.split_sentences(text):
            passages.extend(self._read_sentence(sentence))
        if passages:
            end = passages[-1]
            passages[-1] = Passage(end.symbols, end.groups, end.words, last=True)
        return passages

    def _read_sentence(self, sentence: str) -> Iterator[Passage]:
        from hibari.g2p.normalize import normalize

        tokens = self._g2p.phonemize_tokens(self._g2p.tokenize(normalize(build_reading(sentence))))
        runs = list(_cut_runs(tokens))
        words = split_words(sentence)
        share = len(words) / max(1, len(runs))
        for number, run in enumerate(runs):
            symbols, groups = self._join(run)
            if groups:
                said = words[round(number * share) : round((number + 1) * share)]
                yield Passage(symbols, tuple(groups), tuple(said), last=False)

    def _join(self, tokens: list[Any]) -> tuple[str, list[tuple[str, int, int]]]:
        """The phoneme string of tokens, and its words (text, first symbol, symbol after the last)."""
        symbols = ""
        groups: list[tuple[str, int, int]] = []
        text, first = "", 0
        for token in tokens:
            symbols += "".join(symbol for symbol in token.phonemes or "" if symbol in self._alphabet)
            text += token.text
            if token.whitespace or token is tokens[-1]:
                if any(symbol.isalpha() for symbol in symbols[first:]):
                    groups.append((text, first, len(symbols)))
                if symbols and not symbols.endswith(" ") and token is not tokens[-1]:
                    symbols += " "
                text, first = "", len(symbols)
        return symbols.rstrip(), groups

    def say(self, passage: Passage) -> Utterance:
        """Sound and marks of one passage. Raises `VoiceError`."""
        from hibari import dsp

        ids = [0, *(self._alphabet[symbol] for symbol in passage.symbols), 0]
        feed = {"ids": np.asarray([ids], np.int64), "speed": np.ones(1, np.float32)}
        try:
            *spectrum, units = self._session.run(None, feed)
        except _onnx_errors() as error:
            raise VoiceError(f"hibari's network failed: {error}") from error
        wave = dsp.synth(*(part[0] for part in spectrum), np.random.default_rng(0))
        units = np.asarray(units, np.float32).reshape(-1)
        if len(units) != len(ids) or round(float(units.sum()) * UNIT_MS * NET_RATE_HZ / 1000) != len(wave):
            raise VoiceError("the durations of hibari's network do not add up to its sound")
        return _trim(wave, build_sounds(passage.symbols, units), passage)


def _onnx_errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises; its exceptions share no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NotImplemented", "RuntimeException")
    return tuple(getattr(state, name) for name in names)


def _expose_output(model: bytes, name: str) -> bytes:
    """ONNX bytes with tensor `name` as one more output.

    A protobuf message that comes twice is merged, so a second `graph` (field 7) that holds one `output` (field 12)
    with a `name` (field 1) is all it takes.
    """

    def field(number: int, body: bytes) -> bytes:
        if len(body) > 127:
            raise ValueError("one-byte lengths only")
        return bytes([number << 3 | 2, len(body)]) + body

    return model + field(7, field(12, field(1, name.encode())))


def _cut_runs(tokens: list[Any]) -> Iterator[list[Any]]:
    """Runs of tokens that are short enough for the network, cut after a clause where there is one."""
    run: list[Any] = []
    size = 0
    for token in tokens:
        length = len(token.phonemes or "") + 1
        if run and size + length > _MAX_SYMBOLS:
            clause = max(
                (i + 1 for i, t in enumerate(run) if (t.phonemes or " ")[-1] in _CLAUSE_ENDS), default=len(run)
            )
            yield run[:clause]
            run = run[clause:]
            size = sum(len(t.phonemes or "") + 1 for t in run)
        run.append(token)
        size += length
    if run:
        yield run


def _trim(wave: Float32, sounds: list[Sound], passage: Passage) -> Utterance:
    """Cut the pads, move the marks with the sound, and bring it to 48 kHz."""
    import soxr

    placed = _close_in(wave, sounds)
    begin_ms = max(0.0, placed[0].start_ms - LEAD_MS)
    sound_end_ms = placed[-1].end_ms
    end_ms = sound_end_ms + (TAIL_MS if passage.last else BETWEEN_SENTENCES_MS)
    kept = wave[_samples(begin_ms) : _samples(end_ms)]
    kept = np.pad(kept, (0, _samples(end_ms) - _samples(begin_ms) - len(kept)))
    placed = [Sound(s.index, s.symbol, s.start_ms - begin_ms, s.end_ms - begin_ms) for s in placed]
    spoken = time_groups(passage.groups, placed)
    words = align_words(passage.words, spoken) or spread_words(passage.words, LEAD_MS, sound_end_ms - begin_ms)
    marks = sorted((*build_phoneme_marks(placed), *words), key=lambda mark: mark.start_ms)
    loud = soxr.resample(kept * np.float32(GAIN), NET_RATE_HZ, SAMPLE_RATE_HZ)
    pcm = (np.clip(loud, -1.0, 1.0) * 32767).astype(np.int16)
    return Utterance(pcm, tuple(marks))


def _samples(ms: float) -> int:
    return round(ms * NET_RATE_HZ / 1000)


def _close_in(wave: Float32, sounds: list[Sound]) -> list[Sound]:
    """Sounds before a pause and at the end, shortened to where they can be heard (40 dB below the loudest).

    The durations give the silence of a pause to the sound before it.
    """
    whole = wave[: len(wave) - len(wave) % _WINDOW].reshape(-1, _WINDOW)
    power = np.mean(whole**2, axis=1)
    heard = power > power.max() * 10 ** (_QUIET_DB / 10)
    closed: list[Sound] = []
    for sound, following in zip(sounds, [*sounds[1:], None], strict=True):
        if following is not None and following.start_ms <= sound.end_ms:
            closed.append(sound)
            continue
        limit = _window(sound.end_ms) if following else len(heard)
        loud = np.flatnonzero(heard[_window(sound.start_ms) : limit])
        end = sound.start_ms + float(loud[-1] + 1) * _WINDOW_MS if len(loud) else sound.end_ms
        closed.append(Sound(sound.index, sound.symbol, sound.start_ms, max(end, sound.start_ms + UNIT_MS)))
    return closed


def _window(ms: float) -> int:
    return round(ms / _WINDOW_MS)
