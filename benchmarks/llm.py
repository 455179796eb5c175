"""The embedded language model alone: how soon its first word comes, and how fast it goes on.

warm:           `manage.py run_llm` started -> the persona prefix is read, the file being in the disk cache.
first_token:    prompt sent -> first text, prefix cached, one new line in each prompt.
first_sentence: prompt sent -> end of the first sentence.
decode:         tokens of a reply per second, its first one not counted.
room_switch:    first_token where the turn before was another room's, whose prefix is cached as well.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from benchmarks.figures import build_parser, median, percentile, publish
from chat.llm.base import ChatModelError, PromptMessage
from chat.llm.embedded import base_url
from chat.llm.openai_model import OpenAIChatModel
from chat.llm.registry import build_embedded_model
from chat.persona import build_persona_prefix

LINES = (
    "hello!",
    "who are you?",
    "what's your favourite colour?",
    "do you like cats or dogs?",
    "tell me a joke",
    "what's the capital of Australia?",
    "how many legs does a spider have?",
    "I had a terrible day at work",
    "can you sing?",
    "what should I cook tonight?",
    "你好",
    "what do you think of pineapple on pizza?",
)
ROUNDS = 2
START_LIMIT_S = 120
SENTENCE_ENDS = (".", "!", "?", "。", "！", "？")
REPOSITORY = Path(__file__).resolve().parent.parent


def start_server(port: int) -> subprocess.Popen[bytes]:
    env = {**os.environ, "FOOTLIGHT_LLM_PORT": str(port)}
    return subprocess.Popen([sys.executable, "manage.py", "run_llm"], cwd=REPOSITORY, env=env)


async def wait_until_warm(model: OpenAIChatModel, prefix: list[PromptMessage]) -> float:
    """Seconds until the prefix was read."""
    began = time.perf_counter()
    while True:
        try:
            await model.warm(prefix)
        except ChatModelError:
            if time.perf_counter() - began > START_LIMIT_S:
                raise
            await asyncio.sleep(0.05)
        else:
            return time.perf_counter() - began


async def time_reply(model: OpenAIChatModel, prompt: list[PromptMessage]) -> tuple[float, float, int, float]:
    """Seconds to the first token, to the end of the first sentence, tokens, seconds to the last one."""
    began = time.perf_counter()
    first_s = sentence_s = 0.0
    tokens = 0
    async for piece in model.stream(prompt):
        now_s = time.perf_counter() - began
        tokens += 1
        first_s = first_s or now_s
        if not sentence_s and piece.rstrip().endswith(SENTENCE_ENDS):
            sentence_s = now_s
    last_s = time.perf_counter() - began
    return first_s, sentence_s or last_s, tokens, last_s


def count_tokens(port: int, prompt: list[PromptMessage]) -> int:
    body = json.dumps({"messages": prompt, "max_tokens": 1}).encode()
    request = urllib.request.Request(f"{base_url(port)}/chat/completions", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return int(json.load(response)["usage"]["prompt_tokens"])


async def measure(port: int) -> dict[str, float]:
    model = build_embedded_model(port)
    prefix = build_persona_prefix("Mira", "en", "", "")
    other_room = build_persona_prefix("Nova", "zh", "", "")
    warm_s = await wait_until_warm(model, prefix)
    replies = []
    for line in LINES * ROUNDS:
        asked = PromptMessage(role="user", content=f"Tom: {line}")
        replies.append(await time_reply(model, [*prefix, asked]))
    switches = []
    await model.warm(other_room)
    for room, line in zip((prefix, other_room) * 4, LINES, strict=False):
        asked = PromptMessage(role="user", content=f"Ana: {line}")
        switches.append((await time_reply(model, [*room, asked]))[0])
    tokens = count_tokens(port, prefix)
    await model.close()
    first_s = [reply[0] for reply in replies]
    return {
        "llm_warm_ms": warm_s * 1000,
        "llm_prefix_tokens": tokens,
        "llm_first_token_p50_ms": median(first_s) * 1000,
        "llm_first_token_p95_ms": percentile(first_s, 0.95) * 1000,
        "llm_first_sentence_p50_ms": median([reply[1] for reply in replies]) * 1000,
        "llm_decode_tokens_per_s": sum(r[2] - 1 for r in replies) / sum(r[3] - r[0] for r in replies),
        "llm_room_switch_p50_ms": median(switches) * 1000,
    }


def main() -> None:
    options = build_parser(__doc__).parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = start_server(port)
    try:
        figures = asyncio.run(measure(port))
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
    publish(figures, options.json)


if __name__ == "__main__":
    main()
