"""From a message sent in the page to the first speaking frame and the first sound in the same page.

Runs a whole Footlight with the embedded model and voice, and asks one question after the other in Chromium.
share: message sent -> first speaking frame displayed, without (prompt sent -> first sentence) and without
(sentence to the voice -> first PCM): what the product itself adds. first_sound: message sent -> first sound, all in.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from benchmarks.figures import build_parser, median, percentile, publish
from mysite.machine import find_chromium
from tests.support.browser_probe import LivePage, open_browser
from tests.support.live_system import LiveSystem

QUESTIONS = (
    "Hello, who are you?",
    "What do you like about live shows?",
    "Tell me something about the sea.",
    "What is your favourite colour?",
    "Can you sing?",
    "What should I cook tonight?",
    "Do you ever sleep?",
    "Which book would you take to an island?",
    "How is the weather where you are?",
    "What makes a good story?",
)
LOUD_RMS = 0.005
SPEAKING = 4


async def ask(page: LivePage, system: LiveSystem, question: str) -> dict[str, float] | None:
    """One question; None where the answer did not come from the embedded model."""
    await page.wait_state("idle", limit_s=60)
    await asyncio.sleep(1.0)
    await page.clear()
    before = len(system.turns())
    sent_ms = await page.say(question)
    await page.wait_state("speaking", limit_s=40)
    await asyncio.sleep(1.0)
    fragments = await page.sent()
    speaking = {pts for pts, fragment in fragments.items() if int(fragment["flags"]) & SPEAKING}
    shown = [f["atMs"] for f in await page.frames() if int(f["roomPts"]) in speaking and f["atMs"] > sent_ms]
    heard = [at for at, rms, _ in await page.loud() if at > sent_ms and rms > LOUD_RMS]
    await page.wait_state("idle", limit_s=60)
    await asyncio.sleep(0.5)
    turn = system.turns()[before]
    stamps = turn["stamps"]
    if turn["model_name"] != "embedded" or not shown or not heard:
        return None
    model_ms = (stamps["first_sentence"] - stamps["prompt_sent"]) * 1000
    voice_ms = (stamps["first_sound"] - stamps["voice_sent"]) * 1000
    return {
        "share": shown[0] - sent_ms - model_ms - voice_ms,
        "first_sound": heard[0] - sent_ms,
        "model": model_ms,
        "voice": voice_ms,
    }


async def measure(args: argparse.Namespace) -> None:
    """Ask `--rounds` times ten questions and print what they took."""
    with tempfile.TemporaryDirectory(prefix="footlight-") as folder:
        with LiveSystem(Path(folder), model="large") as system:
            system.wait_on_air()
            system.wait_model()
            system.execute("UPDATE chat_room SET greeting = '', idle_lines = '[]'")
            async with open_browser(find_chromium() or "chromium") as browser:
                page = await LivePage.open(browser, f"{system.url}/r/mira/")
                rows = []
                for question in QUESTIONS * args.rounds:
                    row = await ask(page, system, question)
                    print(question, row and {k: round(v) for k, v in row.items()})
                    rows += [row] if row else []
    share = [row["share"] for row in rows]
    sound = [row["first_sound"] for row in rows]
    publish(
        {
            "share_p50_ms": median(share),
            "share_p95_ms": percentile(share, 0.95),
            "first_sound_p50_ms": median(sound),
            "first_sound_p95_ms": percentile(sound, 0.95),
            "model_first_sentence_p50_ms": median([row["model"] for row in rows]),
            "voice_first_pcm_p50_ms": median([row["voice"] for row in rows]),
            "turns": float(len(rows)),
        },
        args.json,
    )


if __name__ == "__main__":
    parser = build_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="how often the ten questions are asked")
    asyncio.run(measure(parser.parse_args()))
