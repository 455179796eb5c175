"""A training for the page server: half done, with curves and sheets of pictures."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np

from avatar_engine.lipsync.synctalk_2d.training.journal import Journal

SHEETS = (500, 1000, 2000)


def put_training(avatars: Path) -> None:
    """Files alone, for the avatar "ada": nothing learns."""
    folder = avatars / "ada"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "avatar.json").write_text("{}")
    (folder / "audio.wav").write_bytes(b"RIFF")
    journal = Journal(folder / "train")
    for step in range(10, 2001, 10):
        loss = 0.02 + 0.2 * math.exp(-step / 300) + 0.002 * math.sin(step)
        journal.log("unet", step, {"loss": loss, "difference": 0.7 * loss, "perceptual": 0.3 * loss, "batch": 8})
        if step % 100 == 0:
            psnr_db = 33 - 12 * math.exp(-step / 500)
            journal.log("unet", step, {"psnr_db": psnr_db, "mouth_psnr_db": psnr_db - 2.5})
    journal.say("unet", step=2000, steps=8000, seconds_per_step=0.5, best=32.8, best_step=2000, batch=8)
    journal.turn("paused")
    (folder / "train" / "samples").mkdir(exist_ok=True)
    for step in SHEETS:
        sheet = np.full((200, 800, 3), step * 255 // 2000, np.uint8)
        cv2.imwrite(str(folder / "train" / "samples" / f"step_{step:08d}.jpg"), sheet)
