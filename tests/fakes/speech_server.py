"""A real HTTP server on this machine that speaks: as OpenAI's does, and as those of the Bert-VITS2 kind do."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import soundfile

from avatar_engine.voice.words import split_words
from tests.fakes.own_server import OwnServer

RATE_HZ = 24_000
LEAD_MS, WORD_MS, TAIL_MS = 200, 250, 600
ODD_PIECE = 1237


@dataclass(frozen=True)
class Conduct:
    """How the server answers: status other than 200; nothing after so many pieces; bytes instead of sound."""

    status: int = 200
    hold_after: int | None = None
    raw: bytes | None = None


class SpeechServer(OwnServer):
    """`async with SpeechServer() as server:` POST `/v1/audio/speech` streams pcm; any other path gives a WAV file.

    A tone of 250 ms for every word. requests: method, path, fields (query or body) and key of each request.
    """

    def __init__(self, conduct: Conduct | None = None) -> None:
        super().__init__()
        self.conduct = conduct or Conduct()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read what is to be said and say it."""
        await self._answer(await self._read(reader), reader, writer)

    async def _read(self, reader: asyncio.StreamReader) -> dict[str, Any]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        place = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(place.query).items()}
        fields = json.loads(body) if body else query
        key = headers.get("authorization", "").removeprefix("Bearer ")
        self.requests.append({"method": method, "path": place.path, "fields": fields, "key": key})
        return dict(fields)

    async def _answer(self, fields: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conduct = self.conduct
        writer.write(f"HTTP/1.1 {conduct.status} Test\r\nConnection: close\r\n\r\n".encode())
        if conduct.status != 200:
            writer.write(b'{"error": "as the test\n wants"}')
            return await writer.drain()
        data = conduct.raw if conduct.raw is not None else self._sound(fields)
        for sent, at in enumerate(range(0, len(data), ODD_PIECE)):
            if sent == conduct.hold_after:
                return await self.hold(reader)
            writer.write(data[at : at + ODD_PIECE])
            await writer.drain()
            await asyncio.sleep(0)
        return None

    def _sound(self, fields: dict[str, Any]) -> bytes:
        text = fields.get("input") or fields.get("text") or ""
        seconds = (LEAD_MS + WORD_MS * len(split_words(text)) + TAIL_MS) / 1000
        time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
        wave = 0.3 * np.sin(2 * np.pi * 300 * time)
        wave[(time < LEAD_MS / 1000) | (time > seconds - TAIL_MS / 1000)] = 0
        if "input" in fields:
            return (wave * 32767).astype("<i2").tobytes()
        file = io.BytesIO()
        soundfile.write(file, wave, RATE_HZ, format="WAV", subtype="PCM_16")
        return file.getvalue()
