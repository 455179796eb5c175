"""The web server of one machine: daphne, with limits on requests before an application sees them.

Run as `python -m mysite.daphne_server` with daphne's own arguments.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import daphne.server
from autobahn.exception import Disconnected
from daphne.cli import CommandLineInterface
from daphne.http_protocol import HTTPFactory, WebRequest
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer  # type: ignore[import-untyped]

log = logging.getLogger(__name__)

MOST_BODY_BYTES = 2_000_000
"""Above Django's DATA_UPLOAD_MAX_MEMORY_SIZE, which answers with a page; daphne keeps whole bodies before that."""
IDLE_S = 15.0
FIRST_REQUEST_WITHIN_S = 30.0
LINK_PATH = b"/ws/link/"
"""Messages of one process are handed to another here: waiting for one that hangs would hold all of them up."""
REFUSED = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class LimitedRequest(WebRequest):  # type: ignore[misc]  # daphne has no types
    """A request whose body is refused while it comes, and not kept."""

    _body_bytes = 0

    def handleContentChunk(self, data: bytes) -> None:
        """Take a part of the body; past the limit answer 413 and hang up."""
        before, self._body_bytes = self._body_bytes, self._body_bytes + len(data)
        if self._body_bytes <= MOST_BODY_BYTES:
            super().handleContentChunk(data)
        elif before <= MOST_BODY_BYTES:
            self.channel.transport.write(REFUSED)
            self.channel.loseConnection()

    def process(self) -> Any:
        """All of the request is here."""
        self.channel.has_asked = True
        return super().process()


class LimitedFactory(HTTPFactory):  # type: ignore[misc]
    """Connections that send nothing are closed after 15 s, those that never finish their first request after 30 s."""

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        self.timeOut = IDLE_S

    def buildProtocol(self, addr: Any) -> Any:
        """The protocol of a new connection."""
        from twisted.internet import reactor  # there is one only after daphne has chosen it

        protocol = super().buildProtocol(addr)
        protocol.requestFactory = LimitedRequest
        channel = protocol._channel  # what requests know as their channel; Twisted wraps it for HTTP/2
        channel.has_asked = False
        reactor.callLater(FIRST_REQUEST_WITHIN_S, _hang_up_unasked, channel)  # type: ignore[arg-type]
        return protocol


@implementer(IPushProducer)
class SendGate:
    """Shut while more than 64 KiB wait to be sent to one socket, which Twisted tells its producer."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()

    async def wait(self) -> None:
        """Until the socket has taken what was sent, or is gone."""
        if not self._open.is_set():
            await self._open.wait()

    def pauseProducing(self) -> None:
        self._open.clear()

    def resumeProducing(self) -> None:
        self._open.set()

    def stopProducing(self) -> None:
        self._open.set()


class LimitedServer(daphne.server.Server):  # type: ignore[misc]
    """daphne, where sending to a page waits for the page, and a last word to somebody who has just left is allowed."""

    async def handle_reply(self, protocol: Any, message: Any) -> None:
        """Send what the application says; to a socket that is closed, nothing: its disconnect is on its way.

        A page socket that does not take what it is sent makes its application wait, so that the application's own
        bounds count; daphne by itself keeps everything in memory.
        """
        try:
            await super().handle_reply(protocol, message)
        except Disconnected:
            log.debug("a message for a socket that has just closed was dropped")
            return
        if message["type"] == "websocket.send" and not protocol.path.startswith(LINK_PATH):
            await _find_gate(protocol).wait()


def _find_gate(protocol: Any) -> SendGate:
    """The gate of a websocket. It takes the place of the HTTP channel, which would stop to read when it is shut."""
    gate: SendGate | None = getattr(protocol, "send_gate", None)
    if gate is None:
        gate = protocol.send_gate = SendGate()
        protocol.unregisterProducer()
        protocol.registerProducer(gate, True)
    return gate


def _hang_up_unasked(channel: Any) -> None:
    """A trickle of header lines resets the idle time again and again; this clock it does not."""
    if not channel.has_asked and channel.transport is not None:
        channel.transport.abortConnection()


def main() -> None:
    """Serve until a signal."""
    daphne.server.HTTPFactory = LimitedFactory  # daphne has no setting for its factory
    CommandLineInterface.server_class = LimitedServer
    CommandLineInterface.entrypoint()


if __name__ == "__main__":
    main()
