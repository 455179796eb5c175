"""An ASGI application that talks to every websocket as long as it is let, and tells over HTTP how far it came."""

from __future__ import annotations

import asyncio
import json
from typing import Any

FRAME = b"x" * 10_000
FRAMES = 5_000
"""50 MB: far more than the buffers of two sockets."""

PATIENCE_S = 2.0


class TalkativeApp:
    """On a path that ends in /impatient/ it closes a socket that does not take everything at once.

    `GET /` answers {"sent": frames that `send` was done with, "left": sockets that ended}."""

    def __init__(self) -> None:
        self.sent = self.left = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self._talk(receive, send, gives_up=scope["path"].endswith("/impatient/"))
        else:
            body = json.dumps({"sent": self.sent, "left": self.left}).encode()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": body})

    async def _talk(self, receive: Any, send: Any, *, gives_up: bool) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        talking = asyncio.create_task(self._send_all(send))
        if gives_up:
            await asyncio.wait({talking}, timeout=PATIENCE_S)
            talking.cancel()
            await send({"type": "websocket.close", "code": 4408})
        while (await receive())["type"] != "websocket.disconnect":
            continue
        await asyncio.gather(talking, return_exceptions=True)
        self.left += 1

    async def _send_all(self, send: Any) -> None:
        for _ in range(FRAMES):
            await send({"type": "websocket.send", "bytes": FRAME})
            self.sent += 1
            await asyncio.sleep(0)


application = TalkativeApp()
