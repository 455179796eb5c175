"""`manage.py run_llm`: the llm process."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from avatar_engine.weights import Weight, is_whole, weight_path
from avatar_engine.weights.capacity import choose_llm_to_serve
from avatar_engine.weights.fetch import drop_damaged
from chat.llm.embedded import EmbeddedServer, plan_threads

logger = logging.getLogger(__name__)

POLL_S = 1.0


class Command(BaseCommand):
    help = "Serve the embedded language model on 127.0.0.1, once its weight file is there."
    requires_system_checks: list[str] = []  # touches no database, and a room on air waits for it

    def handle(self, *args: Any, **options: Any) -> None:
        env = settings.FOOTLIGHT
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        folder = env.data_dir / "weights"
        weight = wait_for_weight(lambda: choose_llm_to_serve(env.llm, folder), folder, stop)
        if weight is None:
            return
        started_s = time.monotonic()
        try:
            server = EmbeddedServer(weight_path(weight, folder), env.llm_port, plan_threads(count_cores()))
        except RuntimeError as error:
            if drop_damaged(weight, folder):
                raise CommandError(
                    f"{weight.file} was damaged and is removed: fetch it in the console, under Files, or start again"
                ) from error
            raise CommandError(f"the language model does not start: {error}") from error
        logger.info("%s listens on port %d after %.1f s", weight.name, env.llm_port, time.monotonic() - started_s)
        stop.wait()
        server.close()


def wait_for_weight(choose: Callable[[], Weight], folder: Path, stop: threading.Event) -> Weight | None:
    """The weight that `choose` names, once its file is whole; None where `stop` came first. Another process fetches."""
    weight = choose()
    if not is_whole(weight, folder):
        logger.info("waiting for %s (`manage.py weights` fetches it)", weight.name)
    while not is_whole(weight, folder):
        if stop.wait(POLL_S):
            return None
        weight = choose()
    return weight


def count_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
