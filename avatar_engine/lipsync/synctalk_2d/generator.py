"""What draws lower faces: the small interface between an engine's session and whichever runner does the arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.types import Float32, Int32, UInt8


class PictureSource(Protocol):
    """Where a generator gets the pictures of an avatar's source loop. Asked from the thread that renders."""

    frames: int
    """Frames of the source video, counted from 0."""

    def crop(self, frame: int) -> UInt8:
        """The square of source frame `frame` at working size, uint8[spec.crop, spec.crop, 3], RGB (`crop.cut_crop`)."""
        ...


class Generator(Protocol):
    """One avatar's network, loaded and warm. Any number of sessions may share it; it holds no state of theirs.

    The picture of a frame depends on its own `frames[i]` and `windows[i]` alone; cutting a run at multiples of
    `chunk_frames` changes no pixel.
    The reference picture is that of the same source frame, so all that a network makes of the picture can be kept.
    """

    spec: NetSpec
    chunk_frames: int
    """How many frames one call wants: 1 on a CPU, where batches gain nothing; more on a GPU."""
    realtime: bool
    """Whether 25 frames per second were reached when the generator was warmed up."""

    def generate(self, frames: Int32, windows: Float32) -> UInt8:
        """Draw N inner pictures, uint8[N, spec.inner, spec.inner, 3], RGB, values truncated as the original does.

        frames:  int32[N], source frames in 0..source.frames-1 (already mapped from poses to the loop).
        windows: float32[N, 16, 512], rows of the avatar's extractor; finite. What is not finite counts as 0.

        Only pixels inside `spec.mask_box` are meant to be used. Raises `IndexError` for a frame outside the source.
        Not for several threads at once.
        """
        ...

    def close(self) -> None:
        """Give memory back. `generate` may not be called after it."""
        ...


def load_generator(folder: Path, spec: NetSpec, source: PictureSource, device: str, threads: int = 2) -> Generator:
    """The runner for `device` ("cpu", "cuda", "cuda:1") of the networks in an avatar folder.

    folder: on a CPU, the exported networks (`export.py`): the int8 pair is taken where it is close enough to float32,
            else the float32 pair; torch is not imported. Where only `unet.safetensors` is there, or it is newer, it is
            exported first, into the folder, which takes about a minute at full size. A GPU wants `unet.safetensors`.
    threads: processor threads that one picture may use.

    Raises `CheckpointError` where files are missing, damaged, or of another size than `spec`.
    """
    if device == "cpu":
        from avatar_engine.lipsync.synctalk_2d.cpu_generator import CpuGenerator

        return CpuGenerator.load(folder, spec, source, threads)
    from avatar_engine.lipsync.synctalk_2d.torch_runner import TorchGenerator

    return TorchGenerator.load(folder, spec, source, device)
