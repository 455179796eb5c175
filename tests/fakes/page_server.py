"""A web server with the real pages and pretended sockets: what a page gets from a room that works.

    python -m tests.fakes.page_server --port 8123

The media is real H.264 and Opus at 25 frames a second, the chat answers every message. Lines that begin with `!` make
things happen: `!interrupt`, `!drop` (all chat sockets close), `!shed`, `!reject`, `!off_air`, `!on_air`, `!viewers 12`.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import math
import os
import time
from typing import Any

import numpy as np

SLUG = "mira"
SAMPLES = 1920
EPOCH = 1_700_000_000_000
ROOM_OFFSET = 48_000 * 3600
STAFF = ("operator", "pass-for-tests")


class FakeStage:
    """Draws and encodes one presenter, and keeps the current group of frames for who comes late."""

    def __init__(self) -> None:
        from avatar_engine.stream.encoder import H264OpusEncoder

        self.encoder = H264OpusEncoder(512, 512)
        self.viewers: set[asyncio.Queue[bytes | str]] = set()
        self.group: list[bytes] = []
        self.pts = 0
        self.speaking_until = 0
        self.acks: list[dict[str, Any]] = []

    def speak(self, ms: float) -> int:
        """Speak for `ms` from a little later on; returns that pts."""
        start = self.pts + 5 * SAMPLES
        self.speaking_from, self.speaking_until = start, start + int(ms * 48)
        return start

    speaking_from = 0

    def interrupt(self) -> int:
        self.speaking_until = self.pts
        for viewer in self.viewers:
            viewer.put_nowait(json.dumps({"type": "interrupt", "epoch": EPOCH, "pts": self.pts}))
        return self.pts

    async def run(self) -> None:
        from frontend.media_message import build_fragment_message

        loop = asyncio.get_running_loop()
        start = loop.time()
        for n in itertools.count():
            self.pts = n * SAMPLES
            speaking = self.speaking_from <= self.pts < self.speaking_until
            envelope = self.encoder.encode(
                draw(n, speaking), sing(self.pts, speaking), epoch=EPOCH, pts=self.pts, speaking=speaking, generation=0
            )
            message = build_fragment_message(
                n, envelope, self.pts + ROOM_OFFSET, self.encoder.config.preskip, time.time() * 1000
            )
            if envelope.key:
                self.group = []
            self.group.append(message)
            for viewer in self.viewers:
                if viewer.qsize() < 200:
                    viewer.put_nowait(message)
            await asyncio.sleep(max(0, start + (n + 1) * 0.04 - loop.time()))

    async def serve(self, receive: Any, send: Any) -> None:
        from frontend.media_message import build_hello, build_init_notes, build_timeline

        viewer: asyncio.Queue[bytes | str] = asyncio.Queue()
        text, init = build_init_notes(self.encoder.config, 0, 0)
        for item in (build_hello(12), text, init, build_timeline(EPOCH, ROOM_OFFSET), *self.group):
            viewer.put_nowait(item)
        self.viewers.add(viewer)

        async def pump() -> None:
            while True:
                item = await viewer.get()
                await send({"type": "websocket.send", "text" if isinstance(item, str) else "bytes": item})

        pumping = asyncio.create_task(pump())
        try:
            while (event := await receive())["type"] == "websocket.receive":
                self.acks.append({**json.loads(event["text"]), "at": time.time()})
        finally:
            self.viewers.discard(viewer)
            pumping.cancel()


def draw(n: int, speaking: bool) -> np.ndarray:
    """A plain presenter: enough to judge a page by, with a mouth that moves while speaking."""
    import cv2

    y, x = np.mgrid[0:512, 0:512].astype(np.float32)
    glow = np.clip(1 - np.hypot(x - 256, y - 300) / 420, 0, 1)[..., None]
    picture = (np.array([38, 34, 52]) + glow * np.array([80, 62, 58])).astype(np.uint8)
    sway = int(4 * math.sin(n / 20))
    cv2.ellipse(picture, (256 + sway, 560), (210, 190), 0, 0, 360, (52, 74, 96), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (256 + sway, 205), (128, 150), 0, 0, 360, (58, 38, 34), -1, cv2.LINE_AA)
    cv2.rectangle(picture, (222 + sway, 330), (290 + sway, 410), (214, 164, 138), -1)
    cv2.ellipse(picture, (256 + sway, 240), (102, 130), 0, 0, 360, (232, 186, 160), -1, cv2.LINE_AA)
    for side in (-42, 42):
        height = 2 if n % 90 < 4 else 9
        cv2.ellipse(picture, (256 + side + sway, 222), (13, height), 0, 0, 360, (46, 36, 40), -1, cv2.LINE_AA)
    opening = 3 + int(13 * abs(math.sin(n * 0.9))) if speaking else 3
    cv2.ellipse(picture, (256 + sway, 305), (30, opening), 0, 0, 360, (150, 62, 66), -1, cv2.LINE_AA)
    return picture


def sing(pts: int, speaking: bool) -> np.ndarray:
    if not speaking:
        return np.zeros(SAMPLES, np.int16)
    return (6000 * np.sin(2 * np.pi * 220 * (np.arange(SAMPLES) + pts) / 48_000)).astype(np.int16)


class FakeRoom:
    """The chat side: accepts what is said and answers it through the stage."""

    def __init__(self, stage: FakeStage) -> None:
        self.stage = stage
        self.pages: dict[Any, Any] = {}
        self.ids = itertools.count(100)
        self.history: list[dict[str, Any]] = []
        self.state = {"type": "state", "state": "idle", "message": None, "question": None}
        self.known: dict[str, int] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    async def tell(self, item: dict[str, Any]) -> None:
        for send in list(self.pages.values()):
            await send({"type": "websocket.send", "text": json.dumps(item)})

    async def serve(self, receive: Any, send: Any) -> None:
        key, viewer = object(), {"id": str(next(self.ids)), "name": ""}
        try:
            while (event := await receive())["type"] == "websocket.receive":
                message = json.loads(event["text"])
                if message["type"] == "hello":
                    viewer["name"] = message.get("name", "")
                    self.pages[key] = send
                    await self.welcome(viewer, send)
                elif message["type"] == "rename":
                    viewer["name"] = message["name"]
                    await send({"type": "websocket.send", "text": json.dumps({"type": "renamed", **viewer})})
                elif message["type"] == "message":
                    await self.take(viewer, message, send)
        finally:
            self.pages.pop(key, None)

    async def welcome(self, viewer: dict[str, str], send: Any) -> None:
        item = {
            "type": "welcome",
            "viewer": viewer,
            "room": {"slug": SLUG, "name": "Mira, live", "persona": "Mira", "on_air": True, "disclosure": ""},
            "history": self.history[-50:],
            "state": self.state,
            "viewers": len(self.pages),
        }
        await send({"type": "websocket.send", "text": json.dumps(item)})
        await self.tell({"type": "viewers", "count": len(self.pages)})

    async def take(self, viewer: dict[str, str], message: dict[str, str], send: Any) -> None:
        async def answer(item: dict[str, Any]) -> None:
            await send({"type": "websocket.send", "text": json.dumps({"client_id": message["client_id"], **item})})

        text, client_id = message["text"], message["client_id"]
        if text == "!drop":
            dropped, self.pages = list(self.pages.values()), {}
            for page in dropped:
                await page({"type": "websocket.close", "code": 4000})
            return
        if text == "!reject":
            await answer({"type": "rejected", "reason": "too_fast", "detail": {"retry_s": 9.6}})
            return
        row = self.known.setdefault(client_id, next(self.ids))
        await answer({"type": "accepted", "id": row})
        item = {
            "type": "message",
            "id": row,
            "viewer": viewer["id"],
            "name": viewer["name"],
            "text": text,
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "state": "waiting",
            "reason": "",
        }
        self.history.append(item)
        await self.tell(item)
        task = asyncio.create_task(self.react(item))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def react(self, message: dict[str, Any]) -> None:
        command, _, rest = message["text"].partition(" ")
        if command == "!interrupt":
            pts = self.stage.interrupt()
            heard = {"type": "interrupted", "turn": 1, "sentence": self.sentence, "heard": "You asked", "epoch": EPOCH}
            await self.tell({**heard, "pts": pts})
            await self.tell_state("idle", pts=pts)
        elif command == "!shed":
            await self.tell({"type": "message.state", "id": message["id"], "state": "shed", "reason": "busy"})
        elif command in ("!off_air", "!on_air"):
            await self.tell_state("off_air" if command == "!off_air" else "idle")
        elif command == "!viewers":
            await self.tell({"type": "viewers", "count": int(rest)})
        else:
            await self.answer(message)

    sentence = 0

    async def answer(self, message: dict[str, Any]) -> None:
        question = {"name": message["name"], "text": message["text"]}
        await self.tell({"type": "message.state", "id": message["id"], "state": "answering", "reason": ""})
        await self.tell_state("thinking", message, question)
        await asyncio.sleep(0.6)
        text = f"You asked: {message['text'].rstrip('?!. ')}. That is a good one, and I have been waiting for it!"
        words = [[word.strip(".,!:"), at * 280, at * 280 + 260] for at, word in enumerate(text.split())]
        duration = words[-1][2]
        pts = self.stage.speak(duration)
        self.sentence = next(self.ids)
        place = {"turn": message["id"], "sentence": self.sentence, "text": text, "epoch": EPOCH, "pts": pts}
        await self.tell_state("speaking", message, question, pts)
        await self.tell({"type": "caption", **place, "words": words, "duration_ms": duration})
        await self.tell({"type": "reply", **place, "name": "Mira", "message": message["id"]})
        self.history.append({"type": "reply", **place, "name": "Mira", "message": message["id"]})
        await asyncio.sleep(duration / 1000)
        await self.tell({"type": "message.state", "id": message["id"], "state": "answered", "reason": ""})
        await self.tell_state("idle", pts=pts + duration * 48)

    async def tell_state(
        self, state: str, message: dict[str, Any] | None = None, question: Any = None, pts: int | None = None
    ) -> None:
        self.state = {
            "type": "state",
            "state": state,
            "message": message and message["id"],
            "question": question,
            "epoch": EPOCH if pts is not None else None,
            "pts": pts,
        }
        await self.tell(self.state)


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
    from django.contrib.auth import get_user_model
    from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
    from django.core.asgi import get_asgi_application
    from django.core.management import call_command

    from chat.models import Room, Sentence, Turn
    from chat.stamps import ORDER

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
