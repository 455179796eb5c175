"""A pretended chat: answers every message of the pages that `page_server` serves."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from typing import Any

from tests.fakes.page_stage import EPOCH, FakeStage

SLUG = "mira"


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
        if text == "!drop" and client_id not in self.known:
            self.known[client_id] = next(self.ids)  # heard, but the page will never know: it must send again
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
        elif command == "!drop":
            await self.tell_state("idle")
        elif command == "!crowd":
            one = {**message, "viewer": "crowd", "name": "Crowd"}
            items = [{**one, "id": next(self.ids), "text": f"Crowd {number}"} for number in range(3)]
            await self.tell({"type": "batch", "items": [*items, {"type": "more", "count": int(rest)}]})
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
