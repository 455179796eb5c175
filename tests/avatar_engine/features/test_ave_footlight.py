"""The encoder that ships: whole, light, and it hears the mouth."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import numpy.typing as npt
import pytest

from avatar_engine.features.ave import FEATURES, AveExtractor, window
from avatar_engine.features.ave_footlight import NETWORK
from avatar_engine.features.decimate import Decimator
from avatar_engine.features.offline import encode_clip
from avatar_engine.features.registry import load_extractor
from avatar_engine.lipsync.drawn.articulation import build_gestures, build_shape
from avatar_engine.lipsync.drawn.shape import JAW
from avatar_engine.timing import SAMPLES_PER_FRAME
from avatar_engine.types import Float32
from avatar_engine.voice.hibari_net import HibariNet

LARGEST_BYTES = 6_000_000
TAUGHT_HERE = (
    "The old farmer opened a heavy brown door and walked out into the cold morning.",
    "My five cousins bought fish, bread and apples at the market on Friday afternoon.",
    "Perhaps we should move both chairs over there, before the music begins again.",
    "Who told you that blue whales never sing when the moon is full?",
    "A small boat was floating past the bridge, and everybody waved at the people.",
    "It would be a pleasure to show you the view from the top of the tower.",
)
ASKED_HERE = (
    "Maybe the mayor of Bombay may buy a warm brown overcoat.",
    "Nobody thought that far about the outcome of the vote.",
)


def say(net: HibariNet, text: str) -> tuple[Float32, npt.NDArray[np.float64]]:
    """What a picture network hears for each frame of a sentence, flattened, and how far the jaw opens there."""
    heard, jaws = [], []
    for passage in net.read(text, "en"):
        spoken = net.say(passage)
        rows = encode_clip(Decimator().push(spoken.pcm, last=True), "ave_footlight")
        gestures = build_gestures(spoken.marks)
        for frame in range(2, spoken.pcm.size // SAMPLES_PER_FRAME - 8):
            shape = build_shape(gestures, frame)
            if shape is not None:
                # Raw rows `frame - 3` to `frame`: those whose 200 ms hold the frame.
                heard.append(window(rows, frame)[6:10].reshape(-1))
                jaws.append(float(shape[JAW]))
    return np.stack(heard), np.array(jaws)


def test_it_is_small_and_needs_no_torch() -> None:
    assert NETWORK.stat().st_size <= LARGEST_BYTES
    code = (
        "import sys\n"
        "from avatar_engine.features.registry import load_extractor\n"
        "load_extractor('ave_footlight')\n"
        "sys.exit(', '.join({'django', 'torch', 'librosa', 'onnx'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_its_rows_have_the_size_of_the_published_ones() -> None:
    rows = encode_clip(np.random.default_rng(1).normal(0, 0.05, 32_000), "ave_footlight")
    assert rows.shape == (49, FEATURES)
    assert rows.min() >= 0
    assert 5 < float(np.linalg.norm(rows, axis=1).mean()) < 60


def test_silence_and_speech_differ() -> None:
    extractor = load_extractor("ave_footlight")
    assert isinstance(extractor, AveExtractor)
    silent = encode_clip(np.zeros(16_000), "ave_footlight")
    spoken = encode_clip(np.sin(np.arange(16_000) * 0.05) * np.abs(np.sin(np.arange(16_000) * 0.001)), "ave_footlight")
    assert float(np.abs(silent - silent[0]).max()) == 0
    assert float(np.linalg.norm(spoken - silent, axis=1).mean()) > 5


def test_sentences_it_never_heard_open_the_jaw_at_the_right_time() -> None:
    net = HibariNet.load()
    heard, jaws = (np.concatenate(parts) for parts in zip(*(say(net, text) for text in TAUGHT_HERE), strict=True))
    middle = heard.mean(axis=0)
    centred = (heard - middle).astype(np.float64)
    # Ridge regression in its dual form: few frames, many numbers.
    solved = np.linalg.solve(centred @ centred.T + 300 * np.eye(len(centred)), jaws - jaws.mean())
    asked, true = (np.concatenate(parts) for parts in zip(*(say(net, text) for text in ASKED_HERE), strict=True))
    told = (asked - middle).astype(np.float64) @ (centred.T @ solved)
    curve = [np.corrcoef(np.roll(told, shift)[4:-4], true[4:-4])[0, 1] for shift in range(-4, 5)]
    assert curve[4] == pytest.approx(max(curve), abs=0.05)
    assert curve[4] >= 0.8
