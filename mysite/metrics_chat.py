"""What the chat sockets told their pages: accepted, refused and why. It is read where it leaves the process."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter

Send = Callable[[dict[str, Any]], Awaitable[None]]

CHAT_PATH_END = "/chat/"
ANSWER_STARTS = ('{"type":"accepted"', '{"type":"rejected"', '{"type":"error"')


class ChatMeter:
    """Counts answers to what a page wrote, and close codes. Costs one comparison for each event of another type."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._accepted = Counter("footlight_chat_accepted", "Messages that were accepted.", registry=registry)
        self._refused = Counter(
            "footlight_chat_refused", "Messages and events that were refused.", ["reason"], registry=registry
        )
        self._closed = Counter(
            "footlight_chat_closed", "Chat sockets that web closed, by code.", ["code"], registry=registry
        )

    def watch(self, scope: Mapping[str, Any], send: Send) -> Send:
        """`send` of a chat socket, counted; any other `send` as it is."""
        if scope["type"] != "websocket" or not str(scope["path"]).endswith(CHAT_PATH_END):
            return send

        async def count_and_send(message: dict[str, Any]) -> None:
            if message["type"] == "websocket.send":
                text = message.get("text") or ""
                if text.startswith(ANSWER_STARTS):
                    self._count(json.loads(text))
            elif message["type"] == "websocket.close":
                self._closed.labels(str(message.get("code", 1000))).inc()
            await send(message)

        return count_and_send

    def _count(self, answer: Mapping[str, Any]) -> None:
        if answer["type"] == "accepted":
            self._accepted.inc()
        else:
            self._refused.labels(str(answer.get("reason", ""))).inc()
