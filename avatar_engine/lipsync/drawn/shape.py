"""The mouth as a point in a space of nine numbers, and the space's named places: the visemes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from avatar_engine.types import Float32


class MouthShape(NamedTuple):
    """What the mouth does. All in 0..1 but `width` and `smile`, which are in -1..1.

    jaw:     how far the lips are apart; 1 is the widest open vowel.
    width:   corners pulled out (1, as in "ee") or in (-1).
    round:   lips pushed forward into a ring ("oo").
    upper:   upper lip raised from the teeth.
    tuck:    lower lip under the upper teeth ("f").
    tongue:  tip of the tongue up at the teeth ("l", "th").
    teeth:   how much of the tooth rows may show.
    press:   lips pressed together ("m"); 1 closes the mouth whatever `jaw` says.
    smile:   corners up.
    """

    jaw: float = 0.0
    width: float = 0.0
    round: float = 0.0
    upper: float = 0.0
    tuck: float = 0.0
    tongue: float = 0.0
    teeth: float = 0.0
    press: float = 0.0
    smile: float = 0.0


AXES = len(MouthShape._fields)
JAW, WIDTH, ROUND, UPPER, TUCK, TONGUE, TEETH, PRESS, SMILE = range(AXES)

REST = MouthShape(smile=0.75, press=0.06, width=0.36)


@dataclass(frozen=True, slots=True)
class Viseme:
    """A place the mouth aims at and how much it insists, per axis, against its neighbours in time."""

    shape: MouthShape
    weight: MouthShape

    def target(self) -> Float32:
        """float32[AXES]."""
        return np.array(self.shape, np.float32)

    def dominance(self) -> Float32:
        """float32[AXES], positive."""
        return np.array(self.weight, np.float32)


def _weight(base: float = 1.0, **axes: float) -> MouthShape:
    return MouthShape(*[base] * AXES)._replace(**axes)


# The tongue's consonants leave width and rounding to the vowels around them.
_TONGUE_MADE = _weight(0.7, width=0.25, round=0.25, jaw=0.8)

SPEECH_SMILE = 0.4
"""Speech keeps some of the resting smile, except on rounded lips."""


def _speak(**axes: float) -> MouthShape:
    return MouthShape(smile=SPEECH_SMILE * (1 - axes.get("round", 0.0)))._replace(**axes)


VISEMES: dict[str, Viseme] = {
    "rest": Viseme(REST, _weight(0.6)),
    "lips": Viseme(_speak(press=0.9, width=-0.05), _weight(1.2, jaw=3.5, press=4.0, width=0.4, round=0.4)),
    "lip_teeth": Viseme(
        _speak(jaw=0.16, tuck=1.0, upper=0.55, teeth=0.9, width=0.1), _weight(1.3, tuck=4.0, jaw=2.5, upper=2.0)
    ),
    "tongue_teeth": Viseme(
        _speak(jaw=0.26, tongue=1.0, teeth=0.75, upper=0.3, width=0.1), _weight(1.2, tongue=3.0, width=0.4)
    ),
    "ridge": Viseme(_speak(jaw=0.2, tongue=0.45, teeth=0.75, upper=0.3, width=0.15), _TONGUE_MADE),
    "back": Viseme(_speak(jaw=0.28, teeth=0.45, upper=0.15), _TONGUE_MADE),
    "hush": Viseme(_speak(jaw=0.24, round=0.62, width=-0.3, teeth=1.0, upper=0.6), _weight(1.1, round=1.6, teeth=2.0)),
    "hiss": Viseme(_speak(jaw=0.15, width=0.38, teeth=1.0, upper=0.5), _weight(0.9, teeth=2.2, jaw=1.8, round=0.4)),
    "tip": Viseme(
        _speak(jaw=0.34, tongue=0.95, teeth=0.55, upper=0.25, width=0.05), _weight(0.9, tongue=2.5, width=0.3)
    ),
    "r": Viseme(_speak(jaw=0.24, round=0.5, width=-0.25, teeth=0.5, upper=0.35), _weight(0.9, round=1.2)),
    "ah": Viseme(_speak(jaw=0.95, width=0.05, teeth=0.45, upper=0.25), _weight(1.0, jaw=1.5)),
    "ae": Viseme(_speak(jaw=0.78, width=0.45, teeth=0.7, upper=0.5), _weight(1.0, jaw=1.4)),
    "eh": Viseme(_speak(jaw=0.55, width=0.35, teeth=0.6, upper=0.35), _weight(1.0)),
    "ee": Viseme(_speak(jaw=0.26, width=0.85, teeth=0.85, upper=0.45), _weight(1.0, width=1.6)),
    "mid": Viseme(_speak(jaw=0.42, width=0.05, teeth=0.4, upper=0.2), _weight(0.8)),
    "oh": Viseme(_speak(jaw=0.68, round=0.75, width=-0.35), _weight(1.1, round=1.6)),
    "oo": Viseme(_speak(jaw=0.27, round=1.0, width=-0.6, upper=0.1), _weight(1.1, round=2.2, width=1.5)),
}

# The alphabet of misaki, which hibari and Kokoro speak, and the plain IPA signs that other voices may send.
PHONEME_VISEMES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys("mbp", ("lips",)),
    **dict.fromkeys("fv", ("lip_teeth",)),
    **dict.fromkeys("θð", ("tongue_teeth",)),
    **dict.fromkeys("tdnɾʔTʈ", ("ridge",)),
    **dict.fromkeys("kɡgŋhxɲçɣʁ", ("back",)),
    **dict.fromkeys("ʃʒʤʧɕʂʐʑ", ("hush",)),
    **dict.fromkeys("szʦʣ", ("hiss",)),
    **dict.fromkeys("lɫɭ", ("tip",)),
    **dict.fromkeys("ɹrɻ", ("r",)),
    **dict.fromkeys("ɑaɐʌ", ("ah",)),
    **dict.fromkeys("æ", ("ae",)),
    **dict.fromkeys("ɛe", ("eh",)),
    **dict.fromkeys("iɪjᵻɨ", ("ee",)),
    **dict.fromkeys("əᵊɘɤ", ("mid",)),
    **dict.fromkeys("ɜɚɝ", ("r",)),
    **dict.fromkeys("ɔɒo", ("oh",)),
    **dict.fromkeys("uʊwyɥøœ", ("oo",)),
    "A": ("eh", "ee"),
    "I": ("ah", "ee"),
    "O": ("oh", "oo"),
    "Q": ("mid", "oo"),
    "W": ("ah", "oo"),
    "Y": ("oh", "ee"),
    **dict.fromkeys(".,!?;:—…", ("rest",)),
}
STRESS_SIGNS = frozenset("ˈˌ")
CLOSED = frozenset("mbp")
