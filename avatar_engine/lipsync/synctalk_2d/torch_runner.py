"""Draws on a GPU: half precision, several pictures in one go, everything about the loop kept on the card."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from avatar_engine.errors import CheckpointError
from avatar_engine.lipsync.synctalk_2d.checkpoint import load_into, load_state
from avatar_engine.lipsync.synctalk_2d.crop import build_picture, take_inner
from avatar_engine.lipsync.synctalk_2d.generator import PictureSource
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.timing import FRAME_MS
from avatar_engine.types import Float32, Int32, UInt8

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from avatar_engine.lipsync.synctalk_2d.nets.unet import UNet

CHUNK_FRAMES = 4
BUDGET_BYTES = 4 << 30
"""Of the card's memory, for the maps of a source loop; a longer loop is looked at again each time."""
_WARM_UP_ROUNDS = 5
_SHARE_OF_FRAME = 0.9


class TorchGenerator:
    """The `Generator` of `generator.py` in torch. Always CHUNK_FRAMES pictures at a time, so that cutting a run changes
    no pixel; a shorter rest is filled up and cut off again.
    """

    chunk_frames = CHUNK_FRAMES

    def __init__(self, net: UNet, source: PictureSource, device: str) -> None:
        """`net` has its weights. On "cpu" it computes in float32, on a card in float16."""
        import torch

        from avatar_engine.lipsync.synctalk_2d.nets.folding import fold_norms

        self.spec = net.spec
        self._source = source
        self._device = torch.device(device)
        self._half = torch.float16 if self._device.type == "cuda" else torch.float32
        self._net = fold_norms(net).to(self._device, self._half)
        self._kept: dict[int, tuple[Tensor, ...]] = {}
        self._keeps = False
        self._voice = _Voice(self._net, self._look(0), self.spec, self._device, self._half)
        frame_bytes = sum(made.nbytes for made in self._look(0))
        self._keeps = frame_bytes * source.frames <= BUDGET_BYTES
        self.realtime = self._warm_up() <= FRAME_MS * _SHARE_OF_FRAME

    @classmethod
    def load(cls, folder: Path, spec: NetSpec, source: PictureSource, device: str) -> TorchGenerator:
        """`unet.safetensors` of an avatar folder. Raises `CheckpointError`, also for a device that is not there."""
        import torch

        from avatar_engine.lipsync.synctalk_2d.nets.unet import UNet

        net = UNet(spec)
        load_into(net, load_state(folder / "unet.safetensors"))
        try:
            return cls(net.eval(), source, device)
        except (RuntimeError, AssertionError) as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise CheckpointError(f"{device} has too little memory for this network") from error
            raise CheckpointError(f"the network cannot run on {device}: {str(error).partition(chr(10))[0]}") from error

    def generate(self, frames: Int32, windows: Float32) -> UInt8:
        """See `Generator`."""
        windows = np.nan_to_num(windows, nan=0.0, posinf=0.0, neginf=0.0)
        side = self.spec.inner
        drawn = np.empty((len(frames), side, side, 3), np.uint8)
        for start in range(0, len(frames), CHUNK_FRAMES):
            stop = min(start + CHUNK_FRAMES, len(frames))
            references = [self._get(int(frame)) for frame in frames[start:stop]]
            sound = windows[start:stop].reshape(-1, *self.spec.audio_shape)
            drawn[start:stop] = self._voice.draw(references, sound)
        return drawn

    def close(self) -> None:
        self._kept.clear()

    def _get(self, frame: int) -> tuple[Tensor, ...]:
        if not 0 <= frame < self._source.frames:
            raise IndexError(f"the source has frames 0 to {self._source.frames - 1}, not {frame}")
        maps = self._kept.get(frame)
        if maps is None:
            maps = self._look(frame)
            if self._keeps:
                self._kept[frame] = maps
        return maps

    def _look(self, frame: int) -> tuple[Tensor, ...]:
        import torch

        inner = take_inner(self._source.crop(frame))
        picture = torch.from_numpy(build_picture(inner, inner, self.spec))[None].to(self._device, self._half)
        with torch.inference_mode():
            maps = self._net.encode_reference(picture.to(memory_format=torch.channels_last))
        return maps

    def _warm_up(self) -> float:
        """Milliseconds per picture of the quickest of some calls."""
        frames = np.zeros(CHUNK_FRAMES, np.int32)
        silence = np.zeros((CHUNK_FRAMES, *self.spec.audio_shape), np.float32)
        taken = []
        for _ in range(_WARM_UP_ROUNDS):
            started = time.perf_counter()
            self.generate(frames, silence)
            taken.append((time.perf_counter() - started) * 1000 / CHUNK_FRAMES)
        return min(taken)


class _Voice:
    """The part that hears, for CHUNK_FRAMES pictures; on a card recorded once as a CUDA graph and then replayed."""

    def __init__(
        self, net: UNet, maps: tuple[Tensor, ...], spec: NetSpec, device: torch.device, kind: torch.dtype
    ) -> None:
        import torch

        self._net, self._device = net, device
        self._maps = tuple(
            torch.zeros((CHUNK_FRAMES, *made.shape[1:]), dtype=kind, device=device).to(
                memory_format=torch.channels_last
            )
            for made in maps
        )
        self._sound = torch.zeros((CHUNK_FRAMES, *spec.audio_shape), dtype=kind, device=device)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._drawn = self._run()
        if device.type == "cuda":
            self._record()

    def draw(self, references: list[tuple[Tensor, ...]], sound: Float32) -> UInt8:
        """uint8[n, S, S, 3] RGB of 1 to CHUNK_FRAMES pictures."""
        import torch

        with torch.inference_mode():
            for number, reference in enumerate(references):
                for kept, made in zip(self._maps, reference, strict=True):
                    kept[number].copy_(made[0])
            self._sound[: len(sound)].copy_(torch.from_numpy(np.ascontiguousarray(sound)))
            if self._graph is None:
                self._drawn = self._run()
            else:
                self._graph.replay()
            return np.asarray(self._drawn[: len(references)].cpu().numpy(), np.uint8)

    def _run(self) -> Tensor:
        import torch

        with torch.inference_mode():
            drawn = self._net.decode(self._maps, self._sound)
            whole: Tensor = (drawn.float().flip(1) * 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()
            return whole

    def _record(self) -> None:
        import torch

        aside = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.device(self._device), torch.cuda.stream(aside):
            for _ in range(3):
                self._run()
        torch.cuda.current_stream(self._device).wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(self._device), torch.cuda.graph(graph):
            self._drawn = self._run()
        self._graph = graph
