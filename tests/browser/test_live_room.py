"""The live room in Chromium, on a whole running system: posted, heard, seen, read."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from mysite.env import REPOSITORY
from mysite.machine import find_chromium
from tests.support.browser_probe import LivePage, open_browser
from tests.support.live_system import LiveSystem, wait_until
from tests.support.socket_viewer import SocketViewer

pytestmark = [pytest.mark.browser, pytest.mark.journey]

MODEL_FILE = REPOSITORY / "data" / "weights" / "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
MOUTH = (0.45, 0.47, 0.10, 0.13)
LOUD_RMS = 0.005
SPEAKING = 4


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSystem]:
    """With the embedded model where its file is here; else persona lines answer."""
    if not MODEL_FILE.exists() and os.environ.get("FOOTLIGHT_TEST_FETCH"):
        environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "mysite.settings.base"}
        command = [sys.executable, "manage.py", "weights", "--llm", "large"]
        subprocess.run(command, cwd=REPOSITORY, env=environ, check=True)
    model = "large" if MODEL_FILE.exists() else "off"
    with LiveSystem(tmp_path_factory.mktemp("live"), model=model) as running:
        running.wait_on_air(60)
        running.execute("UPDATE chat_room SET greeting = '', idle_lines = '[]'")
        if model != "off":
            running.wait_model(120)
        yield running


async def test_viewer_asks_hears_sees_and_reads(system: LiveSystem) -> None:
    async with open_browser(find_chromium() or "") as browser:
        page = await LivePage.open(browser, f"{system.url}/r/mira/")
        await page.watch_region(*MOUTH)
        await asyncio.sleep(2.0)
        await page.clear()
        await asyncio.sleep(2.0)
        resting = [f["moved"] for f in await page.frames() if "moved" in f]
        silent = [rms for _, rms, _ in await page.loud()]
        await page.clear()

        asked_ms = await page.say("Hello, who are you?")
        await page.wait_state("speaking", limit_s=40)
        await page.wait_state("idle", limit_s=60)
        await asyncio.sleep(0.5)

        fragments = await page.sent()
        spoken = {pts for pts, fragment in fragments.items() if int(fragment["flags"]) & SPEAKING}
        frames = [f for f in await page.frames() if f["atMs"] > asked_ms]
        moved = [f["moved"] for f in frames if int(f["roomPts"]) in spoken]
        loud = [row for row in await page.loud() if row[0] > asked_ms]
        first_shown = next(f["atMs"] for f in frames if int(f["roomPts"]) in spoken)
        first_heard = next(at for at, rms, _ in loud if rms > LOUD_RMS)

        assert max(silent) < LOUD_RMS
        assert max(rms for _, rms, _ in loud) > 0.05
        assert np.mean(moved) > 3 * np.mean(resting)
        assert abs(first_heard - first_shown) < 250
        answer = system.turns()[-1]["heard"]
        log = await page.page.get_by_test_id("chat-log").inner_text()
        assert answer
        assert " ".join(answer.split()) in " ".join(log.split())
        assert "Hello, who are you?" in log
        assert page.errors == []


async def test_three_viewers_see_the_same_frames(system: LiveSystem) -> None:
    async with open_browser(find_chromium() or "") as browser:
        url = f"{system.url}/r/mira/"
        pages = [await LivePage.open(browser, url, sound=False, width=480, height=640) for _ in range(3)]
        await asyncio.sleep(4.0)
        for page in pages:
            await page.clear()
        await asyncio.sleep(3.0)
        shown = [{int(f["roomPts"]): f["atMs"] for f in await page.frames()} for page in pages]
        numbers = [{f["seq"] for f in (await page.sent()).values()} for page in pages]
        assert len(numbers[0] & numbers[1] & numbers[2]) > 0.9 * min(len(n) for n in numbers) - 50
        common = set(shown[0]) & set(shown[1]) & set(shown[2])
        assert len(common) > 5
        spread = [max(s[pts] for s in shown) - min(s[pts] for s in shown) for pts in common]
        assert np.median(spread) < 500
        counts = [await page.page.get_by_test_id("viewer-count").inner_text() for page in pages]
        assert all("3" in count for count in counts)


async def test_page_comes_back_without_a_reload(system: LiveSystem) -> None:
    async with open_browser(find_chromium() or "") as browser:
        page = await LivePage.open(browser, f"{system.url}/r/mira/", sound=False)
        await page.page.evaluate("() => { window.__same = true }")
        await asyncio.to_thread(system.kill, "web")
        await asyncio.sleep(4.0)
        before = len(await page.frames())
        async with asyncio.timeout(30):
            while len(await page.frames()) < before + 25:
                await asyncio.sleep(0.2)
        assert await page.page.evaluate("() => window.__same === true")
        message = "Did you miss me?"
        await page.say(message)
        await page.wait_state("speaking", limit_s=40)
        assert message in await page.page.get_by_test_id("chat-log").inner_text()


async def test_language_model_killed_is_answered_all_the_same(system: LiveSystem) -> None:
    if "llm" not in system.processes():
        pytest.skip("the language model's file is not here: manage.py weights fetches it")
    first = system.processes()["llm"].pid
    system.kill("llm")
    async with SocketViewer(system.ws_url, name="Eve") as viewer:
        message = await viewer.say("Are you thinking?")
        await viewer.wait(lambda: viewer.state_of(message) == "answered", 60)
        assert viewer.replies_to(message)
    wait_until(lambda: "llm" in system.processes() and system.processes()["llm"].pid != first, 30)
