"""A tiny presenter to train on: a box on a face that opens with the sound."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.lipsync.synctalk_2d.training.options import TrainingOptions
from avatar_engine.lipsync.synctalk_2d.training.studio_set import StudioSet
from avatar_engine.types import Float32, Int32, UInt8

SPEC = NetSpec(80, (4, 8, 16, 16))
INNER = SPEC.inner
SAMPLES = 120
SYNC_SPEC = NetSpec(160, (4, 4, 8, 16, 16))
"""The smallest size that a sync network knows."""


def build_options(**changes: Any) -> TrainingOptions:
    """A training of seconds; every step is logged."""
    options = TrainingOptions(
        net=SPEC,
        steps=30,
        sync_steps=0,
        batch=4,
        sync_batch=4,
        learning_rate=3e-3,
        warmup_steps=2,
        perceptual_weight=0.0,
        sync_weight=0.0,
        ema=0.9,
        validate_every=10,
        patience=30,
        checkpoint_every=7,
        log_every=1,
    )
    return dataclasses.replace(options, **changes)


def build_openings(samples: int = SAMPLES) -> Float32:
    """How far the mouth is open at each sample, 0..1."""
    time = np.arange(samples, dtype=np.float32)
    return np.abs(np.sin(time * 0.7) * np.sin(time * 0.11)).astype(np.float32)


def paint_faces(openings: Float32) -> UInt8:
    """uint8[N, S, S, 3]: a light head on dark ground with a mouth that is as high as it is open."""
    faces = np.full((len(openings), INNER, INNER, 3), 40, np.uint8)
    faces[:, 4:-4, 8:-8] = (150, 170, 210)
    for face, opening in zip(faces, openings, strict=True):
        half = 1 + int(12 * opening)
        face[50 - half : 50 + half, 28:52] = (30, 20, 120)
    return faces


def build_rows(openings: Float32) -> Float32:
    """Rows that tell the opening in a few of their numbers, float32[N, 512]."""
    rows = np.zeros((len(openings), 512), np.float32)
    rows[:, ::8] = openings[:, None] * 3
    return rows


def find_mouths(count: int = SAMPLES) -> Int32:
    return np.tile(np.array([24, 34, 56, 66], np.int32), (count, 1))


def write_studio(folder: Path, enlarge: int = 1) -> StudioSet:
    """A studio folder in two takes, with a closed mouth as the reference of all; pictures `enlarge` times as large."""
    folder.mkdir(parents=True, exist_ok=True)
    openings = build_openings()
    arrays = {
        "targets": paint_faces(openings).repeat(enlarge, 1).repeat(enlarge, 2),
        "references": paint_faces(np.zeros(1, np.float32)).repeat(enlarge, 1).repeat(enlarge, 2),
        "reference_of": np.zeros(SAMPLES, np.int32),
        "rows": build_rows(openings),
        "takes": np.array([[0, 70, 0], [70, 50, 70]], np.int32),
        "mouths": find_mouths() * enlarge,
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return StudioSet(folder)
