"""The offline voice for Chinese: its marks are where the sound is, and it appears when its file does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from avatar_engine.errors import VoiceError
from avatar_engine.voice.chain import VoiceChain
from avatar_engine.voice.kokoro import KokoroVoice
from avatar_engine.voice.kokoro_net import SPEAKERS, KokoroNet
from avatar_engine.voice.options import OPTIONS
from avatar_engine.weights import KOKORO, weight_path
from tests.avatar_engine.voice.sound_marks import HISSES, LIPS_CLOSED, VOWELS, Said, best_shift, mean, say
from tests.fakes.voice import FakeVoice
from tests.support.kokoro_weights import find_kokoro_weights

CHINESE = ("爸爸把白布包放在报摊旁边。", "八百标兵奔北坡，炮兵并排北边跑。", "四是四，十是十，十四是十四，四十是四十。")


def write_weights(folder: Path) -> None:
    """A file of the right size, which is all that a card looks at."""
    folder.mkdir(parents=True, exist_ok=True)
    with weight_path(KOKORO, folder).open("wb") as file:
        file.truncate(KOKORO.bytes)


@pytest.fixture(scope="module")
def voice() -> Iterator[KokoroVoice]:
    made = KokoroVoice(find_kokoro_weights())
    yield made
    asyncio.run(made.close())


@pytest.fixture(scope="module")
def said(voice: KokoroVoice) -> list[Said]:
    async def say_all() -> list[Said]:
        return [await say(voice, text, "zh") for text in CHINESE]

    return asyncio.run(say_all())


def test_closed_lips_are_quieter_than_vowels(said: list[Said]) -> None:
    assert mean(said, "loud_db", VOWELS, 0) - mean(said, "loud_db", LIPS_CLOSED, 0) > 12


def test_marks_are_within_half_a_frame_of_the_sound(said: list[Said]) -> None:
    assert abs(best_shift(said, "loud_db", VOWELS, LIPS_CLOSED)) <= 20
    assert abs(best_shift(said, "treble_db", HISSES, VOWELS)) <= 20


def test_every_character_is_a_word_with_its_time(said: list[Said]) -> None:
    first = said[0]
    assert [mark.text for mark in first.words] == [*"爸爸把白布包放在报摊旁", "边。"]
    assert all(40 <= mark.end_ms - mark.start_ms <= 600 for mark in first.words)


async def test_english_words_are_said_inside_a_chinese_sentence(voice: KokoroVoice) -> None:
    one = await say(voice, "我喜欢Python，你呢？", "zh")
    python = next(mark for mark in one.words if mark.text == "Python，")
    inside = [mark.text for mark in one.phonemes if python.start_ms <= mark.start_ms < python.end_ms]
    assert inside[0] == "p"
    assert "θ" in inside


async def test_numbers_are_said_and_written_as_they_are(voice: KokoroVoice) -> None:
    one = await say(voice, "现在是3:30。", "zh")
    assert [mark.text for mark in one.words] == ["现", "在", "是", "3:30。"]
    assert one.words[-1].end_ms - one.words[-1].start_ms > 600


async def test_voice_appears_with_its_file(tmp_path: Path) -> None:
    kokoro = KokoroVoice(tmp_path)
    chain = VoiceChain([FakeVoice("a"), kokoro, FakeVoice("last", ("*",), audible=False)], clock=lambda: 0.0)
    assert not kokoro.card.offline
    assert chain.choose("zh").card.name == "last"
    write_weights(tmp_path)
    assert kokoro.card.offline
    assert chain.choose("zh").card.name == "kokoro"
    assert chain.choose("en").card.name == "a"


async def test_asked_without_its_file_it_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match=r"manage\.py weights kokoro-v1\.0-int8"):
        await KokoroVoice(tmp_path).warm()


async def test_file_that_is_no_network_is_a_voice_error(tmp_path: Path) -> None:
    write_weights(tmp_path)
    kokoro = KokoroVoice(tmp_path)
    with pytest.raises(VoiceError, match="does not load"):
        await kokoro.warm()
    await kokoro.close()


async def test_nothing_is_loaded_until_it_is_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    loads: list[Path] = []

    def load(path: Path, _: object) -> KokoroNet:
        loads.append(path)
        raise VoiceError("as the test wants")

    monkeypatch.setattr(KokoroNet, "load", load)
    write_weights(tmp_path)
    chain = VoiceChain([FakeVoice("a"), KokoroVoice(tmp_path)], clock=lambda: 0.0)
    await chain.warm()
    chain.get_ready("en")
    assert not loads
    chain.get_ready("zh")
    for _ in range(200):
        if loads:
            break
        await asyncio.sleep(0.01)
    assert loads == [weight_path(KOKORO, tmp_path)]
    await chain.close()


def test_every_speaker_can_be_chosen_for_its_language() -> None:
    for name, speaker in SPEAKERS.items():
        assert OPTIONS["kokoro"][speaker.language].check(name) == name
