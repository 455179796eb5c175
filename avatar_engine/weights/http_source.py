"""Bytes of a weight file from its official address, from any point on."""

from __future__ import annotations

import http.client
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from avatar_engine.errors import WeightsError
from avatar_engine.weights import OfficialFile

CONNECT_LIMIT_S = 3.0
STALL_LIMIT_S = 30.0
_BLOCK_BYTES = 1 << 20


def read_official(source: OfficialFile, start: int) -> tuple[int, Iterator[bytes]]:
    """Where the answer really begins (`start`, or 0 where the server knows no ranges), and its blocks.

    Raises `WeightsError`, from the blocks as well.
    """
    headers = {"Range": f"bytes={start}-"} if start else {}
    request = urllib.request.Request(source.url, headers=headers)  # noqa: S310 - an address of the manifest
    opener = urllib.request.build_opener(_Http, _Https)
    try:
        response = opener.open(request)
    except (OSError, http.client.HTTPException) as error:
        raise WeightsError(f"{request.host} gave nothing: {getattr(error, 'reason', error)}") from error
    return (start if response.status == 206 else 0), _read_blocks(source, response)


def _read_blocks(source: OfficialFile, response: Any) -> Iterator[bytes]:
    with response:
        try:
            while block := response.read(_BLOCK_BYTES):
                yield block
        except (OSError, http.client.HTTPException) as error:
            raise WeightsError(f"{source.url} broke off: {error}") from error


class _ShortConnect(http.client.HTTPConnection):
    """Gives name lookup and connect 3 s each, and a standing connection more patience."""

    def connect(self) -> None:
        _look_up(self.host, self.port)
        self.timeout = CONNECT_LIMIT_S
        super().connect()
        self.sock.settimeout(STALL_LIMIT_S)


class _ShortConnectTls(_ShortConnect, http.client.HTTPSConnection):
    pass


class _Http(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_ShortConnect, req)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_ShortConnectTls, req)


def _look_up(host: str, port: int) -> None:
    """Raise TimeoutError where the resolver, which takes no limit of its own, is too slow."""
    thread = threading.Thread(target=_resolve, args=(host, port), daemon=True)
    thread.start()
    thread.join(CONNECT_LIMIT_S)
    if thread.is_alive():
        raise TimeoutError(f"no address for {host} within {CONNECT_LIMIT_S:g} s")


def _resolve(host: str, port: int) -> None:
    try:
        socket.getaddrinfo(host, port)
    except OSError:
        pass  # the connection asks again and reports it
