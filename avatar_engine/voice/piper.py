"""Piper, where the user installed it: a program of its own under the GPL, never imported."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avatar_engine.errors import VoiceNotReady
from avatar_engine.types import AudioChunk
from avatar_engine.voice.base import VoiceCard
from avatar_engine.voice.kokoro import DataFolder
from avatar_engine.voice.pcm_stream import PcmStream
from avatar_engine.voice.program import read_output
from avatar_engine.voice.words import split_words

PROGRAM = "piper"


@dataclass(frozen=True, slots=True)
class _Model:
    rate_hz: int
    language: str


class PiperVoice:
    """Speaks the language of its model. A process for each sentence, which loads the model anew; no marks.

    Its card looks for program and model each time: where one is absent it speaks no language.
    """

    def __init__(self, model: Path, rate: float = 1.0) -> None:
        """`model` is the `.onnx` file; its description lies beside it as `.onnx.json`. `rate` 2.0 is twice as fast."""
        self._path = model
        self._rate = rate

    @classmethod
    def build(cls, options: Mapping[str, Any], env: DataFolder) -> PiperVoice:
        """The option `model` names a file of `<data>/voices/`."""
        return cls(env.data_dir / "voices" / f"{options['model']}.onnx", options["rate"])

    @property
    def card(self) -> VoiceCard:
        here = self._path.is_file() and shutil.which(PROGRAM) is not None
        model = _read_model(self._path) if here else None
        return VoiceCard(
            name="piper",
            languages=frozenset({model.language} if model else ()),
            offline=model is not None,
            streaming=True,
            marks=frozenset(),
            licence="program GPL-3.0; that of the model",
        )

    async def warm(self) -> None:
        """Speak once into nothing. Raises `VoiceError`."""
        async for _ in self.speak("Hi."):
            pass

    async def speak(self, text: str, language: str | None = None) -> AsyncGenerator[AudioChunk]:
        """See `Voice.speak`."""
        if not split_words(text):
            return
        model = _read_model(self._path)
        if model is None:
            raise VoiceNotReady(f"there is no model {self._path.name} with its description", retryable=False)
        stream = PcmStream(model.rate_hz)
        command = [PROGRAM, "--model", str(self._path), "--output-raw"]
        if self._rate != 1.0:
            command += ["--length-scale", f"{1 / self._rate:.3f}"]
        async with aclosing(read_output(command, text)) as pieces:
            async for piece in pieces:
                for chunk in stream.push(piece):
                    yield chunk
        for chunk in stream.finish():
            yield chunk

    async def close(self) -> None:
        """Nothing is held between sentences."""


def _read_model(path: Path) -> _Model | None:
    """What the model's description says, or None where it says too little."""
    try:
        fields = json.loads(path.with_name(path.name + ".json").read_text(encoding="utf-8"))
        tag = fields.get("language", {}).get("code") or fields["espeak"]["voice"]
        return _Model(int(fields["audio"]["sample_rate"]), str(tag).replace("_", "-").partition("-")[0].lower())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
