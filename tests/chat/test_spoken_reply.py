"""From the pieces of a model's stream to the words that the voice is given, through the parts that a turn uses."""

from __future__ import annotations

from avatar_engine.voice.chain import VoiceChain
from chat.output_check import check_sentence
from chat.sentences import SentenceSplitter
from chat.speakable import build_speakable
from tests.fakes.voice import FakeVoice

PIECES = (
    "**Hel",
    "lo** Bob",
    ", nice to",
    " meet you, re",
    "ally! 😀 As an AI lang",
    "uage model, I love tea. It costs $3",
    ".50 at Dr",
    ". Who's, e",
    ".g. at 5 p.m",
    ". today. Look: ```py\nprint('x. Y')\n``` Done",
    ". Call 555-123-4567.",
    " Bye!<|im_",
    "end|>",
)


async def test_a_messy_reply_is_spoken_clean() -> None:
    voice = FakeVoice()
    reply = VoiceChain([voice], clock=lambda: 0.0).choose("en")
    splitter = SentenceSplitter()
    for sentence in [s for piece in PIECES for s in splitter.push(piece)] + splitter.flush():
        verdict = check_sentence(sentence, prompt="You are Mira.")
        spoken = build_speakable(verdict.replacement, "en")
        async for _ in reply.speak(spoken):
            pass
    assert [text for text in voice.spoken if text] == [
        "Hello Bob, nice to meet you,",
        "really!",
        "I love tea.",
        "It costs $3.50 at Dr. Who's, e.g. at 5 p.m. today.",
        "Look:",
        "Done.",
        "Bye!",
    ]
