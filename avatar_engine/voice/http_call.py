"""One request to a speech server, its answer as bytes in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any

from avatar_engine.errors import VoiceError

CONNECT_S = 2.0
FIRST_BYTE_S = 8.0
GAP_S = 5.0
MOST_BYTES = 32 << 20
_PIECE = 1 << 15
_REASON_CHARACTERS = 200
_FOR_GOOD = frozenset({400, 401, 403, 404, 405})
"""Answers that do not change by asking again."""


@dataclass(frozen=True, slots=True)
class Call:
    """method, url, and either `query` or a JSON `body`. `key` goes into the Authorization header."""

    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    key: str = field(default="", repr=False)


async def read_answer(call: Call) -> AsyncGenerator[bytes]:
    """The body of the answer as it comes. Closing the iterator hangs up.

    Raises `VoiceError`: nobody answers within 2 s, the first byte within 8 s, each further one within 5 s, a status
    other than 200, or more than 32 MB.
    """
    import aiohttp

    headers = {"Authorization": f"Bearer {call.key}"} if call.key else {}
    limits = aiohttp.ClientTimeout(total=None, connect=CONNECT_S, sock_connect=CONNECT_S)
    sent = 0
    try:
        async with aiohttp.ClientSession(timeout=limits, headers=headers) as session:
            async with asyncio.timeout(FIRST_BYTE_S):
                answer = await session.request(call.method, call.url, params=call.query or None, json=call.body)
            if answer.status != 200:
                raise await _refusal(answer)
            while piece := await _read_piece(answer, FIRST_BYTE_S if not sent else GAP_S):
                sent += len(piece)
                if sent > MOST_BYTES:
                    raise VoiceError(f"the speech server sent more than {MOST_BYTES >> 20} MB for one sentence")
                yield piece
    except TimeoutError as error:
        raise VoiceError("the speech server did not answer in time") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise VoiceError(f"the speech server failed: {type(error).__name__}: {error}") from error


async def _read_piece(answer: Any, within_s: float) -> bytes:
    async with asyncio.timeout(within_s):
        piece: bytes = await answer.content.read(_PIECE)
        return piece


async def _refusal(answer: Any) -> VoiceError:
    async with asyncio.timeout(GAP_S):
        said = (await answer.content.read(_REASON_CHARACTERS * 4)).decode("utf-8", "replace")
    text = f"the speech server refused: {answer.status} {' '.join(said.split())[:_REASON_CHARACTERS]}"
    return VoiceError(text, retryable=answer.status not in _FOR_GOOD)
