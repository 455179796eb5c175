"""`manage.py live`: prepare this machine and run every process of Footlight on it until Ctrl-C."""

import asyncio
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mysite.console import Console
from mysite.env import Env
from mysite.machine import MachineError, check_port, find_free_port
from mysite.preparation import AlreadyRunning, hold_data_folder, prepare
from mysite.supervisor import SAY_AS, Supervisor, build_plan


class Command(BaseCommand):
    help = "Prepares this machine and runs web, render, stage, language model, worker and beat until Ctrl-C."
    requires_system_checks: list[str] = []  # seconds count here; `make test` runs them

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        env: Env = settings.FOOTLIGHT
        try:
            lock = hold_data_folder(env)
            check_port(env.host, env.port)
            llm_port = find_free_port("127.0.0.1", env.llm_port)
        except (AlreadyRunning, MachineError) as error:
            raise CommandError(str(error)) from error
        plan = build_plan(env, llm_port)
        console = Console(sys.stdout, plan.names, colour=sys.stdout.isatty() and not env.secret("NO_COLOR"))
        with lock:
            prepare(env, lambda text: console.say(SAY_AS, text))
            console.say(SAY_AS, f"prepared in {time.monotonic() - started:.1f} s")
            asyncio.run(Supervisor(env, plan, console.say, started).run())
