"""`manage.py run_stage`: one stage process."""

from __future__ import annotations

import asyncio
import signal
import socket
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from chat.stage import StageProcess


class Command(BaseCommand):
    help = "Run a stage process: it directs the rooms that are on air."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--web", default="", help="link URL of web, by default the one on this machine")
        parser.add_argument("--name", default=f"stage-1@{socket.gethostname()}", help="unique name of this process")

    def handle(self, *args: Any, **options: Any) -> None:
        env = settings.FOOTLIGHT
        asyncio.run(serve(StageProcess(env, options["web"] or env.link_url, options["name"])))


async def serve(process: StageProcess) -> None:
    """Run until SIGTERM or SIGINT."""
    task = asyncio.create_task(process.run(), name="stage")
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, task.cancel)
    await asyncio.gather(task, return_exceptions=True)
    await process.close()
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
