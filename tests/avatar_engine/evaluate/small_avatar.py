"""A whole avatar folder from three seconds of real speech, with a tiny network that was never trained."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import torch

from avatar_engine.evaluate.files import EvaluationFiles
from avatar_engine.evaluate.lips import LipReader
from avatar_engine.face.points import find_crop_points
from avatar_engine.features.offline import encode_clip
from avatar_engine.lipsync.synctalk_2d.checkpoint import save_state
from avatar_engine.lipsync.synctalk_2d.crop import build_rectangle
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder, AvatarInfo
from avatar_engine.lipsync.synctalk_2d.nets.unet import UNet
from avatar_engine.lipsync.synctalk_2d.source_video import SourceWriter
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.types import Int16
from tests.avatar_engine.evaluate.shared_files import read_clip

FRAMES = 75
NET = NetSpec(160, (4, 4, 8, 8, 16))


def build_small_avatar(path: Path, clip: Path, files: EvaluationFiles) -> AvatarFolder:
    pictures, sound = read_clip(clip, FRAMES)
    avatar = AvatarFolder(path)
    path.mkdir(parents=True)
    reader = LipReader(files)
    points = [reader.find(pictures[0])]
    with SourceWriter(avatar.source_path, pictures[0].shape[1], pictures[0].shape[0]) as writer:
        for number, picture in enumerate(pictures):
            writer.write(picture)
            if number:
                points.append(reader.find_near(picture, points[-1]))
    landmarks = np.stack(points)
    np.save(avatar.landmarks_path, landmarks)
    np.save(avatar.crops_path, np.stack([build_rectangle(*row) for row in find_crop_points(landmarks)]))
    write_wave(avatar.audio_path, sound)
    np.save(avatar.features_path("ave_footlight"), encode_clip(sound / 32768.0, "ave_footlight"))
    torch.manual_seed(1)
    save_state(avatar.unet_path, UNet(NET).state_dict())
    height, width = pictures[0].shape[:2]
    avatar.write_info(
        AvatarInfo(path.name, width, height, FRAMES, "ave_footlight", NET.to_json(), "2026-01-01T00:00:00+00:00", "0")
    )
    return avatar


def write_wave(path: Path, sound: Int16) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(sound.astype("<i2").tobytes())
