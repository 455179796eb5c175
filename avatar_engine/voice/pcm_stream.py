"""Sound that comes from elsewhere, in pieces of any length, to chunks without silence at their ends."""

from __future__ import annotations

import io

import numpy as np

from avatar_engine.errors import VoiceError
from avatar_engine.timing import SAMPLE_RATE_HZ
from avatar_engine.types import AudioChunk, Int16
from avatar_engine.voice.chunks import Chunker
from avatar_engine.voice.trim import SilenceTrimmer


class PcmStream:
    """int16 little-endian mono at any rate in, chunks out. A piece may end in the middle of a sample."""

    def __init__(self, rate_hz: int) -> None:
        import soxr

        self._resampler = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="int16")
        self._spare = b""
        self._trimmer = SilenceTrimmer()
        self._chunker = Chunker()

    def push(self, data: bytes) -> list[AudioChunk]:
        """The chunks that are full now."""
        data = self._spare + data
        whole = len(data) - len(data) % 2
        self._spare = data[whole:]
        return self._sound(np.frombuffer(data[:whole], "<i2"), last=False)

    def finish(self) -> list[AudioChunk]:
        """The end of the sound. Raises `VoiceError` where there was none."""
        chunks = self._sound(np.zeros(0, np.int16), last=True)
        chunks += self._chunker.push(self._trimmer.flush())
        if not self._trimmer.started:
            raise VoiceError("no sound came")
        return chunks + self._chunker.flush()

    def _sound(self, pcm: Int16, *, last: bool) -> list[AudioChunk]:
        resampled: Int16 = self._resampler.resample_chunk(pcm.astype(np.int16), last=last)
        return self._chunker.push(self._trimmer.push(resampled))


def read_sound_file(data: bytes) -> list[AudioChunk]:
    """The chunks of a whole WAV, FLAC, Ogg or MP3 file, channels mixed. Raises `VoiceError`."""
    import soundfile

    try:
        wave, rate_hz = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise VoiceError(f"what came is no sound file: {error}") from error
    pcm = (np.clip(wave.mean(axis=1), -1.0, 1.0) * 32767).astype("<i2")
    stream = PcmStream(int(rate_hz))
    return stream.push(pcm.tobytes()) + stream.finish()
