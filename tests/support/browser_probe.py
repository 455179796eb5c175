"""A Chromium on a live page, with a meter on its picture and its sound."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

PRESS_SEND = """() => { const at = __probe.nowMs();
    document.querySelector('[data-testid=chat-send]').click(); return at }"""
PROBE = Path(__file__).with_name("probe.js")
FLAGS = (
    "--no-sandbox",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@asynccontextmanager
async def open_browser(chromium: str) -> AsyncIterator[Browser]:
    """A headless Chromium that may play sound at once."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


class LivePage:
    """One tab in a room. All times are milliseconds since 1970, as the page's clock has them."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []

    @classmethod
    async def open(
        cls, browser: Browser, url: str, *, sound: bool = True, width: int = 1280, height: int = 800, **context: Any
    ) -> LivePage:
        """Go to `url`, wait for the first moving picture, and switch sound and meters on."""
        # The meter's worklet is a blob: the page's own policy would refuse it.
        tab = await browser.new_context(viewport={"width": width, "height": height}, bypass_csp=True, **context)
        await tab.add_init_script(path=PROBE)
        page = await tab.new_page()
        live = cls(page)
        page.on("pageerror", lambda error: live.errors.append(str(error)))
        await page.goto(url)
        await live.wait_picture()
        if sound and await page.get_by_test_id("sound-unlock").is_visible():
            await page.get_by_test_id("sound-unlock").click()
        await page.evaluate("sound => __probe.start(sound)", sound)
        return live

    async def wait_picture(self, limit_ms: int = 30_000) -> None:
        """Until the video plays."""
        await self.page.wait_for_function(
            "() => { const v = document.querySelector('video'); return v && v.currentTime > 0 && v.readyState >= 2 }",
            timeout=limit_ms,
        )

    async def now_ms(self) -> float:
        return float(await self.page.evaluate("__probe.nowMs()"))

    async def say(self, text: str) -> float:
        """Write in the chat; returns when it was sent."""
        await self.page.get_by_test_id("chat-input").fill(text)
        return float(await self.page.evaluate(PRESS_SEND))

    async def state(self) -> str | None:
        return await self.page.get_by_test_id("room-state").get_attribute("data-state")

    async def wait_state(self, *names: str, limit_s: float = 30.0) -> None:
        """Until the page shows one of these states."""
        async with asyncio.timeout(limit_s):
            while await self.state() not in names:
                await asyncio.sleep(0.05)

    async def frames(self) -> list[dict[str, float]]:
        """Displayed frames: roomPts, atMs, and with a watched region mean and moved."""
        return list(await self.page.evaluate("__probe.frames"))

    async def sent(self) -> dict[int, dict[str, float]]:
        """Fragments that arrived, by room pts: flags, seq, wallMs (render's clock), arrivedMs."""
        pairs = await self.page.evaluate("[...__probe.sent]")
        return {int(pts): fragment for pts, fragment in pairs}

    async def loud(self) -> list[list[float]]:
        """Sound heard: [atMs, rms, peak] for each 128 samples."""
        return list(await self.page.evaluate("__probe.loud"))

    async def events(self, kind: str) -> list[dict[str, Any]]:
        """Socket messages of one type, with atMs."""
        return list(await self.page.evaluate("kind => __probe.events.filter(e => e.type === kind)", kind))

    async def watch_region(self, left: float, top: float, width: float, height: float) -> None:
        """Keep brightness and movement of a part of each frame from now on, in shares of the picture's sides."""
        await self.page.evaluate("region => { __probe.region = region }", [left, top, width, height])

    async def picture(self) -> bytes:
        """The frame that is shown now, as PNG."""
        script = """() => { const v = document.querySelector('video'); const c = document.createElement('canvas');
            c.width = v.videoWidth; c.height = v.videoHeight; c.getContext('2d').drawImage(v, 0, 0);
            return c.toDataURL('image/png').split(',')[1] }"""
        return base64.b64decode(await self.page.evaluate(script))

    async def clear(self) -> None:
        """Forget what was measured so far."""
        await self.page.evaluate("() => { __probe.frames.length = 0; __probe.loud.length = 0; }")
