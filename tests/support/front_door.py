"""A TCP door in front of several web copies, as a proxy would be: each connection goes to the first that answers."""

from __future__ import annotations

import asyncio
import contextlib
import threading

READ_BYTES = 65_536


class FrontDoor:
    """Runs in a thread of its own from `__enter__` to `__exit__`; `port` is where it listens on 127.0.0.1."""

    def __init__(self, port: int, *behind: int) -> None:
        self.port = port
        self._behind = behind
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._open = threading.Event()

    def __enter__(self) -> FrontDoor:
        self._thread.start()
        assert self._open.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port))
        self._open.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for port in self._behind:
            try:
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                continue
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
            return
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(READ_BYTES):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
