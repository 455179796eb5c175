"""The one set of clock constants. Sound is the master clock; frame n belongs to sample n * 1920."""

SAMPLE_RATE_HZ = 48_000
FPS = 25
SAMPLES_PER_FRAME = SAMPLE_RATE_HZ // FPS
CHUNK_SAMPLES = 960
CHUNK_MS = CHUNK_SAMPLES * 1000 // SAMPLE_RATE_HZ
FRAME_MS = 1000 // FPS


def samples_to_ms(samples: int) -> float:
    """Length of `samples` at 48 kHz, in milliseconds."""
    return samples * 1000 / SAMPLE_RATE_HZ


def ms_to_samples(ms: float) -> int:
    """Number of whole 48 kHz samples in `ms` milliseconds, rounded to the nearest."""
    return round(ms * SAMPLE_RATE_HZ / 1000)
