"""One avatar on disk: what lies where, and how it is read without trusting it."""

from __future__ import annotations

import json
import os
import re
import tokenize
import wave
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
import numpy.typing as npt

from avatar_engine.errors import AvatarFolderError
from avatar_engine.lipsync.synctalk_2d.source_video import read_source
from avatar_engine.types import Float32, Int16, Int32, UInt8

FORMAT = 1
FAMILY = "synctalk_2d"
FPS = 25
SOUND_RATE_HZ = 16_000
FEATURE_WIDTH = 512
POINTS = 478
MOST_FRAMES = 200_000
_MOST_SIDE = 8192
_MOST_JSON_BYTES = 1_000_000

EncoderName = Literal["ave", "ave_footlight"]
ENCODERS: tuple[EncoderName, ...] = get_args(EncoderName)
_NUMPY_ERRORS = (ValueError, TypeError, OverflowError, SyntaxError, RecursionError, tokenize.TokenError)
"""What numpy lets through from the parser of its headers, which are Python."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def check_avatar_name(name: str) -> str:
    """The name, where it can be that of a folder. Raises `AvatarFolderError`."""
    if not _NAME.fullmatch(name):
        raise AvatarFolderError(
            f"{name!r} cannot name an avatar: 1 to 64 small letters, digits, '-' and '_', a letter or digit first"
        )
    return name


@dataclass(frozen=True, slots=True)
class AvatarInfo:
    """What `avatar.json` says.

    width, height: of the source video, px. frames: its length at 25 fps. net: `NetSpec` as JSON, None before training.
    prepared: ISO 8601 time. source_sha256: of the file that the avatar maker gave.
    """

    name: str
    width: int
    height: int
    frames: int
    encoder: EncoderName
    net: Mapping[str, Any] | None
    prepared: str
    source_sha256: str
    fps: int = FPS
    family: str = FAMILY
    format: int = FORMAT

    def __post_init__(self) -> None:
        if self.format != FORMAT or self.family != FAMILY or self.fps != FPS:
            raise AvatarFolderError(
                f"format {self.format!r} of family {self.family!r} at {self.fps!r} fps; this release reads "
                f"format {FORMAT} of {FAMILY} at {FPS} fps"
            )
        sizes = (self.width, self.height, self.frames)
        if any(type(size) is not int for size in sizes):
            raise AvatarFolderError("width, height and frames must be whole numbers")
        if not (2 <= self.width <= _MOST_SIDE and 2 <= self.height <= _MOST_SIDE and 1 <= self.frames <= MOST_FRAMES):
            raise AvatarFolderError(f"no avatar has {self.frames} frames of {self.width}x{self.height} px")
        if self.encoder not in ENCODERS:
            raise AvatarFolderError(f"encoder is {self.encoder!r}: choose one of {', '.join(ENCODERS)}")
        if self.net is not None and not isinstance(self.net, Mapping):
            raise AvatarFolderError("net must be an object or null")
        if not all(isinstance(text, str) for text in (self.name, self.prepared, self.source_sha256)):
            raise AvatarFolderError("name, prepared and source_sha256 must be texts")

    @classmethod
    def from_json(cls, body: object) -> AvatarInfo:
        """Raises `AvatarFolderError` that says what is wrong."""
        if not isinstance(body, dict):
            raise AvatarFolderError("it must be an object")
        fields = {name: body[name] for name in cls.__slots__ if name in body}
        missing = [name for name in cls.__slots__ if name not in fields]
        if missing:
            raise AvatarFolderError(f"it lacks {', '.join(missing)}")
        return cls(**fields)


class AvatarFolder:
    """The paths of one avatar, and its data once it is complete. It is complete when `avatar.json` is there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def info_path(self) -> Path:
        return self.path / "avatar.json"

    @property
    def source_path(self) -> Path:
        """The video at 25 fps that frames are read from, without sound."""
        return self.path / "source.mp4"

    @property
    def audio_path(self) -> Path:
        """The sound in step with the video, 16 kHz mono int16; absent for a silent source."""
        return self.path / "audio.wav"

    @property
    def landmarks_path(self) -> Path:
        return self.path / "landmarks.npy"

    @property
    def crops_path(self) -> Path:
        return self.path / "crops.npy"

    @property
    def report_path(self) -> Path:
        return self.path / "report.json"

    @property
    def train_path(self) -> Path:
        """Folder of checkpoints, state, log and samples of training."""
        return self.path / "train"

    @property
    def unet_path(self) -> Path:
        return self.path / "unet.safetensors"

    @property
    def syncnet_path(self) -> Path:
        return self.path / "syncnet.safetensors"

    @property
    def reference_onnx_path(self) -> Path:
        """The part of the network that depends on the picture alone."""
        return self.path / "unet_reference.onnx"

    @property
    def voice_onnx_path(self) -> Path:
        """The rest of the network."""
        return self.path / "unet_voice.onnx"

    @property
    def evaluation_path(self) -> Path:
        return self.path / "evaluation.json"

    @property
    def sheet_path(self) -> Path:
        return self.path / "sheet.jpg"

    def features_path(self, encoder: EncoderName) -> Path:
        return self.path / f"features_{encoder}.npy"

    @property
    def is_complete(self) -> bool:
        return self.info_path.is_file()

    def read_info(self) -> AvatarInfo:
        """Raises `AvatarFolderError` where the folder is not complete or says something impossible."""
        if not self.is_complete:
            raise AvatarFolderError(f"{self.name}: there is no avatar.json, so its preparation is not finished")
        body = read_json(self.info_path)
        try:
            return AvatarInfo.from_json(body)
        except AvatarFolderError as error:
            raise AvatarFolderError(f"{self.name}: avatar.json: {error}") from error

    def write_info(self, info: AvatarInfo) -> None:
        """Make the folder complete, or change what it says; a reader never sees half of it."""
        write_json(self.info_path, asdict(info))

    def read_landmarks(self) -> Float32:
        """float32[frames, 478, 2], pixels of the source video, smoothed."""
        return cast("Float32", self._read_array(self.landmarks_path, np.float32, (POINTS, 2)))

    def read_crops(self) -> Int32:
        """int32[frames, 4]: x0, y0, x1, y1 of each frame's square, ends exclusive; it may leave the picture."""
        crops = cast("Int32", self._read_array(self.crops_path, np.int32, (4,)))
        sides = crops[:, 2:].astype(np.int64) - crops[:, :2]
        if (sides[:, 0] != sides[:, 1]).any() or (sides < 1).any() or (sides > _MOST_SIDE).any():
            raise AvatarFolderError(f"{self.name}: crops.npy holds something that is no square")
        if (np.abs(crops.astype(np.int64)) > 2 * _MOST_SIDE).any():
            raise AvatarFolderError(f"{self.name}: crops.npy holds a square that lies far outside")
        return crops

    def read_features(self, encoder: EncoderName) -> Float32:
        """float32[rows, 512], the stored rows of the sound; about one a frame."""
        return cast("Float32", self._read_array(self.features_path(encoder), np.float32, (FEATURE_WIDTH,), frames=None))

    def read_audio(self) -> Int16:
        """int16[samples], 16 kHz mono. Raises `AvatarFolderError` where the source had no sound."""
        if not self.audio_path.is_file():
            raise AvatarFolderError(f"{self.name}: there is no sound")
        try:
            with wave.open(str(self.audio_path), "rb") as file:
                kind = (file.getframerate(), file.getnchannels(), file.getsampwidth())
                if kind != (SOUND_RATE_HZ, 1, 2):
                    raise AvatarFolderError(f"{self.name}: audio.wav is not 16 kHz mono 16 bit")
                content = file.readframes(file.getnframes())
        except (wave.Error, EOFError, OSError, RuntimeError) as error:  # RuntimeError: a chunk longer than its file
            raise AvatarFolderError(f"{self.name}: audio.wav cannot be read: {error}") from error
        return np.frombuffer(content[: len(content) // 2 * 2], "<i2").astype(np.int16)

    def iterate_frames(self, start: int = 0, stop: int | None = None) -> Iterator[UInt8]:
        """The frames of the source video from `start` to before `stop`, each uint8[height, width, 3] RGB.

        Raises `AvatarFolderError` where the video breaks off before `stop` or has another size than avatar.json says.
        """
        info = self.read_info()
        stop = info.frames if stop is None else stop
        if not 0 <= start <= stop <= info.frames:
            raise ValueError(f"frames {start} to {stop} of {info.frames}")
        count = start
        for frame in read_source(self.source_path, start, stop):
            if frame.shape != (info.height, info.width, 3):
                raise AvatarFolderError(f"{self.name}: source.mp4 is not {info.width}x{info.height} px")
            yield frame
            count += 1
        if count < stop:
            raise AvatarFolderError(f"{self.name}: source.mp4 breaks off at frame {count} of {info.frames}")

    def _read_array(
        self, path: Path, dtype: npt.DTypeLike, shape: tuple[int, ...], frames: int | None = -1
    ) -> npt.NDArray[Any]:
        """`frames` -1: as many rows as avatar.json says; None: any number."""
        if frames == -1:
            frames = self.read_info().frames
        array = read_array(path)
        if array.dtype != dtype or array.shape[1:] != shape or array.ndim != len(shape) + 1:
            wanted = ", ".join(["frames", *map(str, shape)])
            raise AvatarFolderError(
                f"{self.name}: {path.name} holds {array.dtype}{list(array.shape)}, wants {np.dtype(dtype)}[{wanted}]"
            )
        if frames is not None and array.shape[0] != frames:
            raise AvatarFolderError(f"{self.name}: {path.name} has {array.shape[0]} rows for {frames} frames")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise AvatarFolderError(f"{self.name}: {path.name} holds values that are no numbers")
        return array


def read_array(path: Path) -> npt.NDArray[Any]:
    """An array that cannot carry code and cannot ask for more memory than its file has. Raises `AvatarFolderError`."""
    try:
        # Mapped first: the length is then checked against the file before anything is taken.
        return np.array(np.load(path, mmap_mode="r", allow_pickle=False))
    except FileNotFoundError:
        raise AvatarFolderError(f"{path.parent.name}: {path.name} is missing") from None
    except (*_NUMPY_ERRORS, OSError, EOFError) as error:
        raise AvatarFolderError(f"{path.parent.name}: {path.name} cannot be read: {error}") from error


def read_json(path: Path) -> Any:
    """Raises `AvatarFolderError` for anything that is no JSON of a decent size."""
    try:
        if path.stat().st_size > _MOST_JSON_BYTES:
            raise AvatarFolderError(f"{path.parent.name}: {path.name} is too large")
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise AvatarFolderError(f"{path.parent.name}: {path.name} is missing") from None
    except (OSError, ValueError, RecursionError) as error:
        raise AvatarFolderError(f"{path.parent.name}: {path.name} cannot be read: {error}") from error


def write_json(path: Path, body: object) -> None:
    """Write it so that a reader, and a machine that loses power, has the old file or the new one."""
    draft = path.with_suffix(path.suffix + ".tmp")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(body, file, indent=1, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
