"""The render process is killed with -9 while a viewer watches: when does the picture move again, when does she speak?

The page is never reloaded. A message is sent right after the kill; the picture comes back from the hub's idle clip,
the voice from the next render process.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from benchmarks.figures import build_parser, publish
from mysite.machine import find_chromium
from tests.support.browser_probe import LivePage, open_browser
from tests.support.live_system import LiveSystem, wait_until

LOUD_RMS = 0.005
WATCHED_S = 15.0
IDLE_CLIP = 8


async def kill_once(page: LivePage, system: LiveSystem) -> tuple[float, float]:
    """Seconds from the kill to a moving picture, and to the first word."""
    await page.wait_state("idle", limit_s=40)
    await asyncio.sleep(1.0)
    await page.clear()
    killed_ms = await page.now_ms()
    await asyncio.to_thread(system.kill, "render")
    await page.say("Are you still there?")
    await asyncio.sleep(WATCHED_S)
    fragments = await page.sent()
    held = {pts for pts, fragment in fragments.items() if int(fragment["flags"]) & IDLE_CLIP}
    moving_ms = min(f["atMs"] for f in await page.frames() if f["atMs"] > killed_ms and int(f["roomPts"]) in held)
    spoke_ms = min(at for at, rms, _ in await page.loud() if at > killed_ms + 300 and rms > LOUD_RMS)
    return (moving_ms - killed_ms) / 1000, (spoke_ms - killed_ms) / 1000


async def measure(args: argparse.Namespace) -> None:
    """Kill `--times` and print the worst."""
    with tempfile.TemporaryDirectory(prefix="footlight-") as folder:
        with LiveSystem(Path(folder)) as system:
            system.wait_on_air()
            system.execute("UPDATE chat_room SET greeting = '', idle_lines = '[]'")
            wait_until(lambda: any((system.data / "idle_clips").glob("*")), 60)
            async with open_browser(find_chromium() or "chromium") as browser:
                page = await LivePage.open(browser, f"{system.url}/r/mira/")
                results = []
                for _ in range(args.times):
                    results.append(await kill_once(page, system))
                    print(f"picture {results[-1][0]:.2f} s, voice {results[-1][1]:.2f} s")
    figures = {"picture_back_s": max(r[0] for r in results), "speaking_again_s": max(r[1] for r in results)}
    publish(figures, args.json)


if __name__ == "__main__":
    parser = build_parser(__doc__)
    parser.add_argument("--times", type=int, default=3, help="how many kills")
    asyncio.run(measure(parser.parse_args()))
