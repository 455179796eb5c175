"""From the render process's stamp on a frame to its display in Chromium, and sound against picture there.

glass: render stamp -> displayed, for every frame while the page watches. av_offset: the sound of a spoken line is
found again in the browser's output by its loudness envelope; its start is compared with the display of the frame that
it belongs to. Plus means that sound is late.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

import numpy as np

from avatar_engine.timing import SAMPLE_RATE_HZ
from avatar_engine.voice.hibari import HibariVoice
from benchmarks.figures import build_parser, median, percentile, publish
from mysite.machine import find_chromium
from tests.support.browser_probe import LivePage, open_browser
from tests.support.console import Console
from tests.support.live_system import LiveSystem

LINES = (
    "Good evening from the harbour.",
    "Peter bought a big brown boat.",
    "Look at the moon over the water tonight.",
    "Seven silver fish swim past the shore.",
    "That is all for now, see you soon.",
)
STEP_MS = 1000 * 128 / SAMPLE_RATE_HZ
SPEAKING = 4


async def build_envelope(text: str) -> np.ndarray:
    """Loudness of the line as the voice makes it, one value for 128 samples."""
    voice = HibariVoice()
    chunks = [chunk.pcm async for chunk in voice.speak(text, "en")]
    await voice.close()
    pcm = np.concatenate(chunks).astype(np.float32) / 32768
    blocks = pcm[: len(pcm) // 128 * 128].reshape(-1, 128)
    return np.sqrt((blocks**2).mean(axis=1))


def find_start_ms(envelope: np.ndarray, loud: list[list[float]]) -> tuple[float, float]:
    """When the line's first sample was heard, and how well the envelope fits (correlation)."""
    times = np.array([row[0] for row in loud])
    grid = np.arange(times[0], times[-1], STEP_MS)
    heard = np.interp(grid, times, [row[1] for row in loud])
    wanted = envelope - envelope.mean()
    scores = np.correlate(heard - heard.mean(), wanted, "valid")
    best = int(scores.argmax())
    part = heard[best : best + len(wanted)] - heard[best : best + len(wanted)].mean()
    fit = float(part @ wanted / (np.linalg.norm(part) * np.linalg.norm(wanted) + 1e-12))
    return float(grid[best]), fit


async def measure_line(page: LivePage, console: Console, text: str) -> float | None:
    """Milliseconds that the sound of one line is late against its picture."""
    await page.wait_state("idle", limit_s=40)
    await asyncio.sleep(0.5)
    await page.clear()
    await console.say("mira", text)
    await page.wait_state("speaking", limit_s=20)
    await page.wait_state("idle", limit_s=40)
    await asyncio.sleep(0.5)
    start_ms, fit = find_start_ms(await build_envelope(text), await page.loud())
    fragments = await page.sent()
    shown = [f for f in await page.frames() if int(fragments.get(int(f["roomPts"]), {"flags": 0})["flags"]) & SPEAKING]
    speaking = sorted(pts for pts, fragment in fragments.items() if int(fragment["flags"]) & SPEAKING)
    if fit < 0.8 or not shown:
        return None
    first_shown = shown[0]
    onset = max(pts for pts in speaking if pts - 1920 not in fragments or pts - 1920 not in set(speaking))
    lead_ms = (first_shown["roomPts"] - onset) * 1000 / SAMPLE_RATE_HZ
    return start_ms + lead_ms - first_shown["atMs"]


async def measure(args: argparse.Namespace) -> None:
    """Watch for `--seconds`, then speak `--rounds` times five lines."""
    with tempfile.TemporaryDirectory(prefix="footlight-") as folder:
        with LiveSystem(Path(folder)) as system:
            system.wait_on_air()
            system.execute("UPDATE chat_room SET greeting = '', idle_lines = '[]'")
            async with open_browser(find_chromium() or "chromium") as browser:
                page = await LivePage.open(browser, f"{system.url}/r/mira/")
                await asyncio.sleep(5)
                await page.clear()
                await asyncio.sleep(args.seconds)
                fragments, frames = await page.sent(), await page.frames()
                offsets = []
                async with Console(system) as console:
                    for text in LINES * args.rounds:
                        offset = await measure_line(page, console, text)
                        print(f"{text}: {offset and round(offset)} ms")
                        offsets += [] if offset is None else [offset]
    known = [f for f in frames if int(f["roomPts"]) in fragments]
    glass = [f["atMs"] - fragments[int(f["roomPts"])]["wallMs"] for f in known]
    publish(
        {
            "glass_p50_ms": median(glass),
            "glass_p95_ms": percentile(glass, 0.95),
            "av_offset_median_ms": median(offsets),
            "frames_shown_percent": len(glass) / (args.seconds * 25) * 100,
            "lines": float(len(offsets)),
        },
        args.json,
    )


if __name__ == "__main__":
    parser = build_parser(__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="how long frames are watched")
    parser.add_argument("--rounds", type=int, default=3, help="how often the five lines are spoken")
    asyncio.run(measure(parser.parse_args()))
