"""The edge-tts service, without a network: messages shaped as `edge_tts.Communicate.stream()` yields them."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import av
import numpy as np

from avatar_engine.errors import VoiceError
from avatar_engine.voice.words import split_words

RATE_HZ = 24_000
LEAD_MS, WORD_MS, TAIL_MS = 200, 250, 600


def encode_mp3(wave: np.ndarray) -> bytes:
    """float32[n] mono at 24 kHz to 48 kbit/s MP3, as the service sends."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as container:
        stream = container.add_stream("mp3", rate=RATE_HZ, layout="mono")
        stream.bit_rate = 48_000
        frame = av.AudioFrame.from_ndarray((wave * 32767).astype(np.int16)[None], format="s16", layout="mono")
        frame.rate = RATE_HZ
        resampler = av.AudioResampler(
            format="s16p", layout="mono", rate=RATE_HZ, frame_size=stream.codec_context.frame_size
        )
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(part))
    return file.getvalue()


class EdgeService:
    """Speaks a tone of 250 ms for every word, with 0.2 s of silence before and 0.6 s after.

    stalls_at, fails_at: number of the message at which it never goes on, or breaks.
    """

    def __init__(self, *, stalls_at: int | None = None, fails_at: int | None = None, junk: bool = False) -> None:
        self.stalls_at = stalls_at
        self.fails_at = fails_at
        self.junk = junk
        self.asked: list[tuple[str, str]] = []
        self.open = 0

    async def stream(self, text: str, speaker: str) -> AsyncGenerator[dict[str, Any]]:
        self.asked.append((text, speaker))
        self.open += 1
        try:
            for number, message in enumerate(self._messages(text)):
                if number == self.stalls_at:
                    await asyncio.Event().wait()
                if number == self.fails_at:
                    raise VoiceError("the service broke")
                yield message
        finally:
            self.open -= 1

    def _messages(self, text: str) -> Iterator[dict[str, Any]]:
        words = [word.strip('.,!?“”"。，！？') for word in split_words(text)]
        seconds = (LEAD_MS + WORD_MS * len(words) + TAIL_MS) / 1000
        time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
        wave = 0.3 * np.sin(2 * np.pi * 300 * time)
        wave[(time < LEAD_MS / 1000) | (time > seconds - TAIL_MS / 1000)] = 0
        data = b"\x00\x01" * 2000 if self.junk else encode_mp3(wave.astype(np.float32))
        for number, word in enumerate(words):
            start = LEAD_MS + WORD_MS * number
            yield {"type": "WordBoundary", "offset": start * 10_000, "duration": WORD_MS * 10_000, "text": word}
        for at in range(0, len(data), 517):
            yield {"type": "audio", "data": data[at : at + 517]}
