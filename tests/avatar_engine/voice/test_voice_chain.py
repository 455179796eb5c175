"""A chain answers at once, falls back without a repeat, and forgives after a rest."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from avatar_engine.errors import VoiceError
from avatar_engine.timing import CHUNK_MS
from avatar_engine.types import AudioChunk
from avatar_engine.voice.base import Voice
from avatar_engine.voice.chain import REST_S, TRUST_S, VoiceChain
from tests.fakes.voice import WORD_MS, FakeVoice


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def network(name: str = "net", languages: tuple[str, ...] = ("en", "zh"), hz: float = 400.0) -> FakeVoice:
    return FakeVoice(name, languages, offline=False, hz=hz)


def mute() -> FakeVoice:
    return FakeVoice("mute", ("*",), audible=False)


async def speak(voice: Voice, text: str) -> list[AudioChunk]:
    return [chunk async for chunk in voice.speak(text)]


def words(chunks: list[AudioChunk]) -> list[str]:
    return [mark.text for chunk in chunks for mark in chunk.marks]


async def settle() -> None:
    """Let background probes of fakes, which never wait, run to their end."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_order_decides_between_offline_voices(clock: Clock) -> None:
    chain = VoiceChain([FakeVoice("a"), FakeVoice("b"), mute()], clock)
    assert chain.choose("en").card.name == "a"


async def test_language_decides(clock: Clock) -> None:
    chain = VoiceChain([FakeVoice("a"), FakeVoice("b", ("zh",)), mute()], clock)
    assert chain.choose("zh").card.name == "b"
    assert chain.choose("sw").card.name == "mute"


async def test_a_language_that_no_voice_speaks_is_an_error(clock: Clock) -> None:
    with pytest.raises(VoiceError, match="sw"):
        VoiceChain([FakeVoice("a")], clock).choose("sw")


async def test_unknown_network_never_goes_before_an_offline_voice(clock: Clock) -> None:
    net = network()
    net.fail_after = 0
    chain = VoiceChain([net, FakeVoice("a")], clock)
    assert chain.choose("en").card.name == "a"
    await settle()
    assert chain.choose("en").card.name == "a"
    assert net.spoken == []


async def test_passed_over_network_is_probed_and_takes_its_place(clock: Clock) -> None:
    net = network()
    chain = VoiceChain([net, FakeVoice("a")], clock)
    assert chain.choose("en").card.name == "a"
    await settle()
    assert net.warmed == 1
    assert chain.choose("en").card.name == "net"


async def test_trust_in_a_network_voice_ends(clock: Clock) -> None:
    net = network()
    chain = VoiceChain([net, FakeVoice("a")], clock)
    await chain.warm()
    assert chain.choose("en").card.name == "net"
    clock.now += TRUST_S + 1
    assert chain.choose("en").card.name == "a"
    await settle()
    assert chain.choose("en").card.name == "net"


async def test_speaking_keeps_trust(clock: Clock) -> None:
    chain = VoiceChain([network(), FakeVoice("a")], clock)
    await chain.warm()
    clock.now += TRUST_S - 1
    await speak(chain.choose("en"), "Hello.")
    clock.now += TRUST_S - 1
    assert chain.choose("en").card.name == "net"


async def test_a_network_voice_behind_an_offline_one_is_not_contacted(clock: Clock) -> None:
    net, embedded = network(), FakeVoice("a")
    chain = VoiceChain([embedded, net], clock)
    await chain.warm()
    chain.choose("en")
    await settle()
    assert (embedded.warmed, net.warmed) == (1, 0)


async def test_sound_goes_before_silence_even_unverified(clock: Clock) -> None:
    net = network()
    chain = VoiceChain([FakeVoice("a"), net, mute()], clock)
    assert chain.choose("zh").card.name == "net"
    net.fail_after = 0
    assert words(await speak(chain.choose("zh"), "你好")) == ["你", "好"]
    assert chain.choose("zh").card.name == "mute"


async def test_failed_voice_rests_a_minute(clock: Clock) -> None:
    first = FakeVoice("a")
    first.fail_after = 0
    chain = VoiceChain([first, FakeVoice("b")], clock)
    await speak(chain.choose("en"), "Hello.")
    first.fail_after = None
    clock.now += REST_S - 1
    assert chain.choose("en").card.name == "b"
    clock.now += 2
    assert chain.choose("en").card.name == "a"


async def test_voice_that_cannot_be_asked_again_rests_for_good(clock: Clock) -> None:
    first = FakeVoice("a")
    first.fail_after, first.retryable = 0, False
    chain = VoiceChain([first, FakeVoice("b")], clock)
    await speak(chain.choose("en"), "Hello.")
    clock.now += 1e6
    assert chain.choose("en").card.name == "b"


async def test_the_only_voice_is_asked_even_while_it_rests(clock: Clock) -> None:
    only = FakeVoice("a")
    only.fail_after = 0
    chain = VoiceChain([only], clock)
    with pytest.raises(VoiceError):
        await speak(chain.choose("en"), "Hello.")
    only.fail_after = None
    assert await speak(chain.choose("en"), "Hello again.")


async def test_failure_before_sound_changes_the_voice_for_the_reply(clock: Clock) -> None:
    first, second = FakeVoice("a"), FakeVoice("b")
    first.fail_after = 0
    reply = VoiceChain([first, second], clock).choose("en")
    assert words(await speak(reply, "One two.")) == ["One", "two."]
    first.fail_after = None
    await speak(reply, "Three.")
    assert second.spoken == ["One two.", "Three."]
    assert first.spoken == ["One two."]
    (fallback,) = reply.fallbacks
    assert (fallback.text, fallback.failed, fallback.took_over) == ("One two.", "a", "b")


async def test_failure_inside_a_sentence_says_no_word_twice(clock: Clock) -> None:
    first, second = FakeVoice("a", hz=200), FakeVoice("b", hz=900)
    first.fail_after = int(2 * WORD_MS / CHUNK_MS)
    reply = VoiceChain([first, second], clock).choose("en")
    chunks = await speak(reply, "One, two — three four.")
    assert second.spoken == ["three four."]
    later = [mark for chunk in chunks for mark in chunk.marks][4:]
    assert [(mark.text, mark.start_ms) for mark in later] == [("three", 2 * WORD_MS), ("four.", 3 * WORD_MS)]
    assert len(chunks) * CHUNK_MS == 4 * WORD_MS
    assert reply.fallbacks[0].text == "three four."


async def test_a_failure_elsewhere_counts_until_the_first_sound(clock: Clock) -> None:
    first, second = FakeVoice("a"), FakeVoice("b")
    chain = VoiceChain([first, second], clock)
    waiting, speaking = chain.choose("en"), chain.choose("en")
    await speak(speaking, "On air.")
    chain.failed(first, VoiceError("elsewhere"))
    await speak(waiting, "Other voice.")
    await speak(speaking, "Same voice.")
    assert second.spoken == ["Other voice."]
    assert first.spoken == ["On air.", "Same voice."]


async def test_reply_keeps_its_voice_when_a_better_one_comes_back(clock: Clock) -> None:
    net, embedded = network(), FakeVoice("a")
    chain = VoiceChain([net, embedded], clock)
    reply = chain.choose("en")
    await settle()
    await speak(reply, "Still me.")
    assert embedded.spoken == ["Still me."]
    assert chain.choose("en").card.name == "net"


async def test_sentence_in_another_script_goes_to_a_voice_that_reads_it(clock: Clock) -> None:
    english, chinese = FakeVoice("a"), FakeVoice("b", ("zh",))
    reply = VoiceChain([english, chinese], clock).choose("en")
    for text in ("Hello.", "你好。", "Bye."):
        await speak(reply, text)
    assert english.spoken == ["Hello.", "Bye."]
    assert chinese.spoken == ["你好。"]


async def test_latin_words_stay_with_the_voice_of_a_chinese_reply(clock: Clock) -> None:
    chinese = FakeVoice("b", ("zh", "en"))
    reply = VoiceChain([FakeVoice("a"), chinese], clock).choose("zh")
    for text in ("你好。", "OK!", "3.5"):
        await speak(reply, text)
    assert chinese.spoken == ["你好。", "OK!", "3.5"]


async def test_warm_rests_what_fails(clock: Clock) -> None:
    broken = FakeVoice("a")
    broken.fail_after = 0
    chain = VoiceChain([broken, FakeVoice("b")], clock)
    await chain.warm()
    assert chain.choose("en").card.name == "b"


async def test_close_ends_probes_and_voices(clock: Clock) -> None:
    net, embedded = network(), FakeVoice("a")
    chain = VoiceChain([net, embedded], clock)
    chain.choose("en")
    await chain.close()
    assert net.closed
    assert embedded.closed
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("probe")]


def test_fakes_differ_by_ear() -> None:
    assert not np.isclose(FakeVoice(hz=200).hz, FakeVoice(hz=900).hz)


async def test_warm_leaves_later_offline_voices_unloaded(clock: Clock) -> None:
    first, second = FakeVoice("a"), FakeVoice("b", ("zh",))
    chain = VoiceChain([first, second], clock)
    await chain.warm()
    assert (first.warmed, second.warmed) == (1, 0)


async def test_get_ready_loads_what_a_language_needs_once(clock: Clock) -> None:
    first, second = FakeVoice("a"), FakeVoice("b", ("zh",))
    chain = VoiceChain([first, second], clock)
    for _ in range(2):
        chain.get_ready("zh")
        chain.get_ready("sw")
        await settle()
    assert (first.warmed, second.warmed) == (0, 1)
