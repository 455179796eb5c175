"""A complete avatar folder in a second: a painted head, a small network with random weights, real files."""

from __future__ import annotations

import wave
from pathlib import Path

import cv2
import numpy as np

from avatar_engine.lipsync.synctalk_2d.folder import POINTS, AvatarFolder, AvatarInfo, EncoderName
from avatar_engine.lipsync.synctalk_2d.source_video import SourceWriter
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.types import Float32, Int32, UInt8

TINY = NetSpec(80, (8, 8, 16, 16))
WIDTH, HEIGHT, FRAMES = 192, 160, 60
SQUARE_PX = 70


def build_tiny_avatar(
    path: Path, *, spec: NetSpec | None = TINY, encoder: EncoderName = "ave_footlight", talks: bool = False
) -> AvatarFolder:
    """`talks`: the mouth of the source never rests. `spec` None: not trained."""
    path.mkdir(parents=True, exist_ok=True)
    avatar = AvatarFolder(path)
    places = [(60 + round(3 * np.sin(i / 9)), 55 + round(2 * np.cos(i / 7))) for i in range(FRAMES)]
    openings = [0.15 + 0.1 * np.sin(i) if talks else 0.0 for i in range(FRAMES)]
    with SourceWriter(avatar.source_path, WIDTH, HEIGHT) as video:
        for place, opening in zip(places, openings, strict=True):
            video.write(paint_frame(place, opening))
    np.save(avatar.crops_path, np.array([[x, y, x + SQUARE_PX, y + SQUARE_PX] for x, y in places], np.int32))
    landmarks = [build_landmarks(place, opening) for place, opening in zip(places, openings, strict=True)]
    np.save(avatar.landmarks_path, np.stack(landmarks))
    rows = np.abs(np.random.default_rng(1).normal(0, 1, (FRAMES, 512))).astype(np.float32)
    np.save(avatar.features_path(encoder), rows)
    with wave.open(str(avatar.audio_path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(2 * 640 * FRAMES))
    if spec is not None:
        write_weights(avatar, spec)
    net = None if spec is None else spec.to_json()
    avatar.write_info(AvatarInfo(path.name, WIDTH, HEIGHT, FRAMES, encoder, net, "2026-01-01T00:00:00+00:00", "0" * 64))
    return avatar


def paint_frame(place: tuple[int, int], opening: float) -> UInt8:
    """A head with a mouth before a wall with a gradient, uint8[HEIGHT, WIDTH, 3]."""
    frame = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    frame[...] = np.linspace(40, 110, WIDTH)[None, :, None]
    centre = (place[0] + SQUARE_PX // 2, place[1] + 10)
    cv2.ellipse(frame, centre, (38, 56), 0, 0, 360, (205, 160, 140), -1, cv2.LINE_AA)
    mouth = (centre[0], place[1] + 40)
    cv2.ellipse(frame, mouth, (12, 2 + round(20 * opening)), 0, 0, 360, (140, 60, 60), -1, cv2.LINE_AA)
    return frame


def build_landmarks(place: tuple[int, int], opening: float) -> Float32:
    """float32[478, 2] of which eyes and lips are where they are painted."""
    points = np.tile(np.array(place, np.float32) + SQUARE_PX / 2, (POINTS, 1)).astype(np.float32)
    points[33], points[263] = (place[0] + 5, place[1]), (place[0] + 65, place[1])
    points[13, 1] = place[1] + 40 - 30 * opening
    points[14, 1] = place[1] + 40 + 30 * opening
    return points


def write_weights(avatar: AvatarFolder, spec: NetSpec) -> None:
    """Random weights, the same each time."""
    import torch

    from avatar_engine.lipsync.synctalk_2d.checkpoint import save_state
    from avatar_engine.lipsync.synctalk_2d.nets.unet import UNet

    with torch.random.fork_rng():
        torch.manual_seed(3)
        save_state(avatar.unet_path, UNet(spec).state_dict())


def count_up(start: int, frames: int) -> Int32:
    return np.arange(start, start + frames, dtype=np.int32)
