"""A web server with the real pages and pretended sockets: what a page gets from a room that works.

    python -m tests.fakes.page_server --port 8123

The media is real H.264 and Opus at 25 frames a second, the chat answers every message. Lines that begin with `!` make
things happen: `!interrupt`, `!drop` (all chat sockets close, and the line
is accepted only when it comes again), `!shed`, `!reject`, `!off_air`, `!on_air`, `!viewers 12`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from typing import Any

from tests.fakes.page_avatars import put_avatars
from tests.fakes.page_chat import SLUG, FakeRoom
from tests.fakes.page_stage import FakeStage
from tests.fakes.page_training import put_training

STAFF = ("operator", "pass-for-tests")


class FakeSite:
    """The ASGI application: Django for pages, the fakes for sockets. The stage starts with the first connection."""

    def __init__(self, django: Any) -> None:
        self.django = django
        self.stage = FakeStage()
        self.room = FakeRoom(self.stage)
        self.task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.task = self.task or asyncio.create_task(self.stage.run())
        if scope["type"] != "websocket":
            await self.django(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.accept"})
        if f"/rooms/{SLUG}/" not in scope["path"]:
            await send({"type": "websocket.close", "code": 4404})
        elif scope["path"].endswith("/media/"):
            await self.stage.serve(receive, send)
        else:
            await self.room.serve(receive, send)


def build_site() -> FakeSite:
    """Set Django up on an empty database with two rooms and an operator."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings.test")
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
    from django.core.asgi import get_asgi_application
    from django.core.management import call_command

    from avatar_engine import tasks
    from chat.models import Room, Sentence, Turn
    from chat.stamps import ORDER
    from mysite.celery import app

    app.conf.task_always_eager = True  # there is no worker here: a voice is tried while its form waits
    tasks.train_avatars.run = lambda: None  # and nothing trains for hours
    call_command("migrate", run_syncdb=True, verbosity=0)
    disclosure = "Mira is an AI presenter. Her face and voice are computed, and her answers can be wrong."
    room = Room.objects.create(
        slug=SLUG,
        title="Mira, live",
        description="Ask her anything: she answers out loud, and everyone here sees and hears the same.",
        is_on_air=True,
        disclosure=disclosure,
    )
    steps = [0, 0.02, 0.03, 0.06, 0.68, 1.02, 1.03, 1.22, 1.36, 1.4, 1.52]
    turn = Turn.objects.create(
        room=room,
        kind="viewer",
        state="interrupted",
        text="I am Mira, and I love a good question. What is yours?",
        heard="I am Mira, and I love",
        prompt=[{"role": "system", "content": "You are Mira."}, {"role": "user", "content": "Leo: who are you?"}],
        model_name="qwen2.5-coder-1.5b",
        voice_name="hibari",
        stamps={step: 1_700_000_000 + at for step, at in zip(ORDER, steps, strict=True)},
        happened=[{"what": "voice", "name": "edge", "reason": "offline"}],
    )
    Sentence.objects.create(
        turn=turn, index=0, text="I am Mira, and I love a good question.", state="cut", heard="I am"
    )
    Sentence.objects.create(turn=turn, index=1, text="What is yours?", state="dropped")
    Room.objects.create(slug="evening", title="晚间故事", persona_name="小雨", language="zh")
    put_avatars()
    put_training(settings.FOOTLIGHT.data_dir / "avatars")
    get_user_model().objects.create_superuser(STAFF[0], password=STAFF[1])
    return FakeSite(ASGIStaticFilesHandler(get_asgi_application()))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    site = build_site()
    from daphne.server import Server

    Server(site, endpoints=[f"tcp:port={options.port}:interface=127.0.0.1"], verbosity=0).run()


if __name__ == "__main__":
    main()
