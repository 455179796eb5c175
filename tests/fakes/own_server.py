"""What fake HTTP servers share: a port of their own, and knowing that a client hung up."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self


class OwnServer:
    """Listens from `async with` on. A subclass says in `talk` how one connection goes.

    requests: what `talk` notes of each. gone: set once a client hung up before its answer was complete.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.gone = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def origin(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await self.talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.gone.set()
        finally:
            self._open.discard(writer)
            writer.close()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request and answer it."""
        raise NotImplementedError

    async def hold(self, reader: asyncio.StreamReader) -> None:
        """Say no more and wait until the client hangs up."""
        await reader.read()
        self.gone.set()
