"""What the API of clips keeps of its work when an operator wants to look at it."""

from __future__ import annotations

import io
import json
import logging
import os
import wave
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from avatar_engine.timing import SAMPLE_RATE_HZ
from avatar_engine.types import Int16

log = logging.getLogger(__name__)

MOST_FRAMES, MOST_SOUNDS = 500, 20


@dataclass(frozen=True, slots=True)
class DebugConfig:
    """Nothing is kept but while `enabled`."""

    enabled: bool = False
    save_frames: bool = False
    save_audio: bool = False

    @classmethod
    def parse(cls, body: object) -> DebugConfig:
        """Raises ValueError for anything but an object with these three flags."""
        if not isinstance(body, dict) or set(body) - {"enabled", "save_frames", "save_audio"}:
            raise ValueError("an object with enabled, save_frames and save_audio is wanted")
        if not all(isinstance(value, bool) for value in body.values()):
            raise ValueError("enabled, save_frames and save_audio are true or false")
        return cls(**body)


class DebugStore:
    """A folder on this machine. It keeps the newest 500 pictures and 20 sounds; switched off, nothing is written.

    Slow: call it off the event loop.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._config_file = folder / "config.json"
        self.frames_folder = folder / "frames"
        self.sounds_folder = folder / "audio"

    def read(self) -> DebugConfig:
        """What is switched on; nothing where that cannot be read."""
        try:
            return DebugConfig.parse(json.loads(self._config_file.read_bytes()))
        except FileNotFoundError:
            return DebugConfig()
        except (OSError, ValueError) as error:
            log.warning("nothing is kept of clips: %s cannot be read: %s", self._config_file.name, error)
            return DebugConfig()

    def write(self, config: DebugConfig) -> None:
        """Switch. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._config_file.with_suffix(".tmp")
        draft.write_text(json.dumps(asdict(config)), encoding="utf-8")
        os.replace(draft, self._config_file)

    def describe(self) -> dict[str, Any]:
        """The five fields of the API."""
        folders = {"frames_dir": str(self.frames_folder), "audio_dir": str(self.sounds_folder)}
        return {**asdict(self.read()), **folders}

    def save_sound(self, name: str, pcm: Int16) -> None:
        """Keep int16[n] mono 48 kHz, where that is wanted."""
        config = self.read()
        if config.enabled and config.save_audio:
            with self._make_room(self.sounds_folder, MOST_SOUNDS, f"{name}.wav").open("wb") as file:
                file.write(build_wav(pcm))

    def save_frame(self, name: str, index: int, jpeg: bytes) -> None:
        """Keep a picture. Ask `read` first whether it is wanted."""
        self._make_room(self.frames_folder, MOST_FRAMES, f"{name}-{index:05d}.jpg").write_bytes(jpeg)

    def _make_room(self, folder: Path, most: int, name: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        kept = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[: max(0, len(kept) + 1 - most)]:
            path.unlink(missing_ok=True)
        return folder / name


def build_wav(pcm: Int16) -> bytes:
    """A WAV file of int16[n] mono 48 kHz."""
    memory = io.BytesIO()
    with wave.open(memory, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(pcm.astype("<i2").tobytes())
    return memory.getvalue()
