"""From the operator's click on "interrupt" to silence in a viewer's browser."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from benchmarks.figures import build_parser, median, percentile, publish
from mysite.machine import find_chromium
from tests.support.browser_probe import LivePage, open_browser
from tests.support.console import Console
from tests.support.live_system import LiveSystem

LINE = (
    "This is a long line that goes on and on, about the tide and the harbour and the boats that come home late, "
    "about lamps in windows and coffee on stoves, and nobody would mind if it were stopped somewhere in the middle."
)
LOUD_RMS = 0.004
QUIET_MS = 600


async def interrupt_once(page: LivePage, console: Console, wait_s: float) -> float:
    """Say the line, stop it after `wait_s` of sound, return the milliseconds to silence."""
    await page.wait_state("idle", limit_s=40)
    await asyncio.sleep(0.5)
    await page.clear()
    await console.say("mira", LINE)
    await page.wait_state("speaking", limit_s=20)
    await asyncio.sleep(wait_s)
    asked_ms = await page.now_ms()
    await console.interrupt("mira")
    await asyncio.sleep(2.0)
    loud = [at for at, rms, _ in await page.loud() if rms > LOUD_RMS]
    assert any(at < asked_ms for at in loud), "nothing was said"
    last = max(loud)
    assert last < asked_ms + 2000 - QUIET_MS, "the sound did not stop"
    return max(0.0, last - asked_ms)


async def measure(args: argparse.Namespace) -> None:
    """Interrupt `--times` at different places."""
    with tempfile.TemporaryDirectory(prefix="footlight-") as folder:
        with LiveSystem(Path(folder)) as system:
            system.wait_on_air()
            system.execute("UPDATE chat_room SET greeting = '', idle_lines = '[]'")
            async with open_browser(find_chromium() or "chromium") as browser:
                page = await LivePage.open(browser, f"{system.url}/r/mira/")
                async with Console(system) as console:
                    times = []
                    for number in range(args.times):
                        times.append(await interrupt_once(page, console, 0.7 + 0.17 * (number % 10)))
                        print(f"{times[-1]:.0f} ms")
    publish({"interrupt_p50_ms": median(times), "interrupt_p95_ms": percentile(times, 0.95)}, args.json)


if __name__ == "__main__":
    parser = build_parser(__doc__)
    parser.add_argument("--times", type=int, default=20, help="how many interrupts")
    asyncio.run(measure(parser.parse_args()))
