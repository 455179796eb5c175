"""What a source must be like. Each number lives here alone; docs/avatars.md explains them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond a `most_` or below a `least_` number the source is refused, unless the name ends in `_warn`.

    Shares are 0..1 of all frames, or of the time for sound. px are those of the video at 25 fps.
    """

    least_seconds: float = 2.0
    most_seconds: float = 1800.0
    little_seconds_warn: float = 150.0
    least_side_px: int = 200
    most_pixels: int = 36_000_000
    """Of a stored frame; 8K has 33 million."""
    longest_side_px: int = 1920
    """Larger pictures are scaled down to it: no room is larger."""

    most_broken_share: float = 0.005
    least_time_share: float = 0.97
    """Of the stated length that can be decoded."""

    least_face_share: float = 0.97
    most_second_face_share: float = 0.02
    second_face_area: float = 0.12
    """A face smaller than this share of the presenter's, a picture on the wall, does not count."""

    least_face_px: float = 80.0
    least_face_px_warn: float = 150.0
    most_outside_share: float = 0.02
    least_sharpness: float = 12.0
    """Variance of the Laplacian of the upright face, grey, at 256 px; below it a frame is blurred."""
    most_blurred_share: float = 0.2
    most_turn: float = 0.6
    most_turned_share: float = 0.2
    most_step: float = 0.12
    """Of the face's width, that it may move from one frame to the next."""
    most_fast_share: float = 0.1
    darkest: float = 35.0
    brightest: float = 235.0
    cut_change: float = 28.0
    """Mean change of a thumbnail's grey, 0..255, from one frame to the next that is a cut."""
    most_cuts_a_minute: float = 2.0
    """More is edited material. Fewer are told: the presenter who waits will jump there."""

    speech_above_noise_db: float = 12.0
    least_speech_db: float = -50.0
    least_speech_share: float = 0.15
    quiet_speech_db_warn: float = -36.0
    least_snr_db_warn: float = 15.0
    most_clipped_share: float = 0.01
    most_clipped_share_warn: float = 0.001
