"""The embedded server: its threads, its process, and the real model where its file is here."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from avatar_engine.weights import LLM_SMALL, Weight, is_whole
from chat.llm.base import ChatModelError, PromptMessage
from chat.llm.embedded import ThreadPlan, base_url, plan_threads
from chat.llm.openai_model import OpenAIChatModel
from chat.llm.registry import build_embedded_model
from chat.llm.slot import ModelSlot, SlotModel
from chat.management.commands.run_llm import wait_for_weight
from chat.persona import DEFAULT_PERSONA_NAME, build_persona_prefix
from chat.warmer import ModelWarmer
from mysite.env import REPOSITORY

DATA = REPOSITORY / "data"
START_LIMIT_S = 120
PROMPT: list[PromptMessage] = [{"role": "user", "content": "Write a very long story."}]


@pytest.mark.parametrize(
    ("cores", "plan"),
    [
        (1, ThreadPlan(decode=1, prefill=1, spin=False)),
        (2, ThreadPlan(decode=1, prefill=2, spin=False)),
        (4, ThreadPlan(decode=2, prefill=2, spin=True)),
        (32, ThreadPlan(decode=4, prefill=8, spin=True)),
    ],
)
def test_small_machine_decodes_on_one_thread_that_does_not_spin(cores: int, plan: ThreadPlan) -> None:
    assert plan_threads(cores) == plan


TINY = Weight("tiny", "tiny.gguf", 5, "", "", "", ())


def test_file_that_is_not_whole_is_waited_for(tmp_path: Path) -> None:
    asked: list[float | None] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            asked.append(timeout)
            (tmp_path / "tiny.gguf").write_bytes(b"whole"[: 4 + len(asked) // 2])
            return False

    assert wait_for_weight(lambda: TINY, tmp_path, Stop()) is TINY
    assert asked == [1.0, 1.0]


def test_other_file_that_came_first_is_served(tmp_path: Path) -> None:
    other = Weight("other", "other.gguf", 5, "", "", "", ())
    choices = iter([TINY, TINY, other])

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            (tmp_path / "other.gguf").write_bytes(b"whole")
            return False

    assert wait_for_weight(lambda: next(choices), tmp_path, Stop()) is other


def test_waiting_ends_where_the_process_is_told_to_stop(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    assert wait_for_weight(lambda: TINY, tmp_path, stop) is None


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def llm() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A real llm process with the small model, and its port."""
    if not is_whole(LLM_SMALL, DATA / "weights"):
        pytest.skip(f"no language model here: manage.py weights {LLM_SMALL.name}")
    port = find_free_port()
    env = {**os.environ, "DATA": str(DATA), "FOOTLIGHT_LLM": "small", "FOOTLIGHT_LLM_PORT": str(port)}
    env["DJANGO_SETTINGS_MODULE"] = "mysite.settings.base"
    process = subprocess.Popen([sys.executable, "manage.py", "run_llm"], cwd=REPOSITORY, env=env)
    yield process, port
    process.kill()
    process.wait()


async def warm(model: OpenAIChatModel) -> None:
    """Wait until the process has read a prefix."""
    async with asyncio.timeout(START_LIMIT_S):
        while True:
            try:
                return await model.warm(build_persona_prefix(DEFAULT_PERSONA_NAME, "en", "", ""))
            except ChatModelError:
                await asyncio.sleep(0.1)


@pytest.mark.journey
async def test_real_model_answers_and_is_free_once_the_stream_is_closed(
    llm: tuple[subprocess.Popen[bytes], int],
) -> None:
    embedded = build_embedded_model(llm[1])
    await warm(embedded)
    talker = OpenAIChatModel("talker", base_url(llm[1]), "none", "embedded", temperature=0.0, max_tokens=1500)
    async with aclosing(talker.stream(PROMPT)) as stream:
        assert await anext(stream)
    # There is one slot, and the talker's reply would hold it for a minute: longer than the next one waits.
    async with aclosing(embedded.stream(PROMPT)) as stream:
        assert await anext(stream)
    await talker.close()
    await embedded.close()


@pytest.mark.journey
async def test_no_web_page_may_read_the_server(llm: tuple[subprocess.Popen[bytes], int]) -> None:
    model = build_embedded_model(llm[1])
    await warm(model)
    await model.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", llm[1])
    writer.write(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\nConnection: close\r\n\r\n")
    answer = (await reader.read()).decode().lower()
    writer.close()
    assert "evil.example" not in answer
    assert "access-control-allow-origin: *" not in answer


@pytest.mark.journey
async def test_llm_process_ends_cleanly_on_sigterm(llm: tuple[subprocess.Popen[bytes], int]) -> None:
    process, port = llm
    model = build_embedded_model(port)
    await warm(model)
    await model.close()
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 30) == 0


@pytest.mark.journey
async def test_what_is_read_ahead_gives_way_to_a_turn(
    llm: tuple[subprocess.Popen[bytes], int],
) -> None:
    embedded = build_embedded_model(llm[1])
    await warm(embedded)
    slot = ModelSlot()
    warmer = ModelWarmer(llm[1], slot)
    reading = asyncio.create_task(warmer.run())
    clock = asyncio.get_running_loop().time
    began = clock()
    await embedded.warm(build_long_prefix("Once there was a lamp."))
    whole_s = clock() - began
    warmer.add("room", build_long_prefix("Nobody knew the way to the theatre."))
    await asyncio.sleep(0.2)
    began = clock()
    async with aclosing(SlotModel(embedded, slot).stream(PROMPT)) as stream:
        assert await anext(stream)
    assert clock() - began < 0.7 * whole_s, "the turn waited until all of it was read"
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await warmer.close()


def build_long_prefix(text: str) -> list[PromptMessage]:
    """About 1500 tokens that the server has not read yet."""
    return [{"role": "system", "content": " ".join(f"{number}. {text}" for number in range(150))}]
