"""What SyncTalk_2D hears for one frame: sixteen rows of an audio encoder that looks at 200 ms of sound at a time.

Row j of a clip ("raw") comes from the mel columns 3.2 j to 3.2 j + 15. Frame i hears raw i - 9 to i + 6, that is 0.36 s
before and 0.45 s after its start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from avatar_engine.features.decimate import FACTOR, Decimator
from avatar_engine.features.mel import BANDS, HOP, SILENT, MelStream
from avatar_engine.timing import SAMPLES_PER_FRAME
from avatar_engine.types import Float32, Int16

COLUMNS = 16
"""Mel columns that the encoder sees at a time."""
FEATURES = 512
WINDOW = 16
"""Rows that belong to one frame."""
ROWS_BEFORE = 8
"""Frame i hears the stored rows i - 8 to i + 7."""

_LEAD_FRAMES = 10
_RAW_BEFORE = ROWS_BEFORE + 1
_RAW_AFTER = WINDOW - _RAW_BEFORE - 1
_SAMPLES_PER_FRAME = SAMPLES_PER_FRAME // FACTOR

Encode = Callable[[Float32], Float32]
"""float32[80, 16] to float32[512]. Always one window at a time: a batch would change the last bits."""


class Encoder(Protocol):
    """An audio encoder, loaded."""

    def encode(self, columns: Float32) -> Float32:
        """float32[80, 16] mel columns to float32[512], none below zero."""
        ...


def first_column(row: int) -> int:
    """The first mel column of raw row `row`: 80 columns and 25 rows a second, rounded down."""
    return 16 * row // 5


def count_raw_rows(columns: int) -> int:
    """How many raw rows a clip of `columns` mel columns has; a clip too short for one window counts as one window."""
    return (max(columns, COLUMNS) - COLUMNS) * 25 // 80 + 2


def stored_rows(mel: Float32, encode: Encode) -> Float32:
    """A whole clip, float32[80, T], to float32[rows, 512]: the raw rows with the first and the last of them twice.

    Rows beyond the end hear the last 16 columns. A clip shorter than 16 columns is filled up with silence. 523 frames
    give 522 rows.
    """
    missing = max(0, COLUMNS - mel.shape[1])
    mel = np.pad(mel, ((0, 0), (0, missing)), constant_values=SILENT)
    last = mel.shape[1] - COLUMNS
    starts = [min(first_column(row), last) for row in range(count_raw_rows(mel.shape[1]))]
    known = {start: encode(np.ascontiguousarray(mel[:, start : start + COLUMNS])) for start in sorted(set(starts))}
    raw = [known[start] for start in starts]
    return np.stack([raw[0], *raw, raw[-1]]).astype(np.float32)


def window(rows: Float32, frame: int) -> Float32:
    """float32[16, 512]: the stored rows `frame - 8` to `frame + 7`, zeros where there are none."""
    begin = frame - ROWS_BEFORE
    heard = np.zeros((WINDOW, FEATURES), np.float32)
    first, stop = max(begin, 0), min(begin + WINDOW, len(rows))
    if first < stop:
        heard[first - begin : stop - begin] = rows[first:stop]
    return heard


class AveStream:
    """One run of speech at 48 kHz. Row i is what frame i hears, float32[16, 512].

    The sound lies in silence: what is not there before its start and after its end is heard as silence, not as the zero
    rows at the ends of a clip, which a network meets only at the two ends of its training video.
    """

    def __init__(self, encode: Encode, silent_row: Float32) -> None:
        """`silent_row` is the encoder's row of 16 silent columns, float32[512]."""
        self._encode = encode
        self._silent_row = silent_row
        self._decimator = Decimator()
        self._mel = MelStream()
        self._columns = self._mel.push(np.zeros(_LEAD_FRAMES * _SAMPLES_PER_FRAME))
        self._columns_gone = 0
        self._samples = 0
        self._ended = False
        self._taken = 0
        self._rows: list[Float32] = []

    def push(self, pcm: Int16, *, last: bool = False) -> None:
        """Take int16[n] mono 48 kHz. With `last` a started frame is filled up with silence."""
        self._samples += pcm.size
        self._hear(self._decimator.push(pcm, last=last))
        if last:
            self._ended = True
            started = -self._samples % SAMPLES_PER_FRAME // FACTOR + 1
            self._hear(np.zeros(started + (_RAW_AFTER + 1) * _SAMPLES_PER_FRAME + COLUMNS * HOP, np.float32))

    def _hear(self, samples: Float32) -> None:
        self._columns = np.concatenate([self._columns, self._mel.push(samples)], axis=1)

    @property
    def ready(self) -> int:
        """Rows that `take` can give now."""
        frames = -(-self._samples // SAMPLES_PER_FRAME) if self._ended else self._samples // SAMPLES_PER_FRAME
        columns = self._columns_gone + int(self._columns.shape[1])
        # The greatest row whose 16 columns are in.
        row = (5 * (columns - COLUMNS + 1) - 1) // 16
        return max(0, min(frames, row - _LEAD_FRAMES - _RAW_AFTER + 1) - self._taken)

    def take(self, frames: int) -> Float32:
        """The next `frames` rows, float32[frames, 16, 512]. The encoder works here, one window a row.

        Raises ValueError when fewer are ready.
        """
        if frames > self.ready:
            raise ValueError(f"{frames} rows asked, {self.ready} ready")
        heard = np.empty((frames, WINDOW, FEATURES), np.float32)
        for number in range(frames):
            first = self._taken + _LEAD_FRAMES - _RAW_BEFORE
            while len(self._rows) < WINDOW:
                self._rows.append(self._encode_row(first + len(self._rows)))
            heard[number] = self._rows
            self._rows.pop(0)
            self._taken += 1
        self._forget()
        return heard

    def _encode_row(self, row: int) -> Float32:
        start = first_column(row) - self._columns_gone
        columns = np.ascontiguousarray(self._columns[:, start : start + COLUMNS])
        return self._silent_row if bool((columns == SILENT).all()) else self._encode(columns)

    def _forget(self) -> None:
        """Columns before the next row to be encoded are not wanted again."""
        row = self._taken + _LEAD_FRAMES - _RAW_BEFORE + len(self._rows)
        gone = first_column(row) - self._columns_gone
        self._columns = self._columns[:, gone:]
        self._columns_gone += gone


class AveExtractor:
    """Opens streams over one encoder."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self._silent_row = encoder.encode(np.full((BANDS, COLUMNS), SILENT, np.float32))

    def open(self) -> AveStream:
        """A stream for one run of speech."""
        return AveStream(self.encoder.encode, self._silent_row)
