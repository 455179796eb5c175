"""Runs a program that the user installed: text in, bytes out, in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Sequence

from avatar_engine.errors import VoiceError, VoiceNotReady

FIRST_BYTE_S = 10.0
GAP_S = 5.0
_PIECE = 1 << 15
_REASON_BYTES = 2000


async def read_output(command: Sequence[str], text: str) -> AsyncGenerator[bytes]:
    """What the program writes to its standard output for `text` on its standard input.

    Closing the iterator ends the program. Raises `VoiceError` where it is not installed, fails, or is too slow.
    """
    try:
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    except OSError as error:
        raise VoiceNotReady(f"{command[0]} does not start: {error}", retryable=False) from error
    reason = asyncio.create_task(_drain(process))
    try:
        await _write(process, text)
        assert process.stdout is not None
        limit_s = FIRST_BYTE_S
        while piece := await _read(process.stdout, limit_s):
            limit_s = GAP_S
            yield piece
        async with asyncio.timeout(GAP_S):
            await process.wait()
        if process.returncode != 0:
            raise VoiceError(f"{command[0]} failed: {await reason or process.returncode}")
    except TimeoutError as error:
        raise VoiceError(f"{command[0]} was too slow") from error
    finally:
        await _end(process)
        reason.cancel()


async def _read(output: asyncio.StreamReader, within_s: float) -> bytes:
    # Not wait_for: in Python 3.11 it forgets to be cancelled where the bytes come at that very moment.
    async with asyncio.timeout(within_s):
        return await output.read(_PIECE)


async def _write(process: Process, text: str) -> None:
    """All of the text; one sentence fits into the pipe, so this does not wait for the program to read."""
    assert process.stdin is not None
    process.stdin.write(text.replace("\n", " ").encode() + b"\n")
    with contextlib.suppress(ConnectionError):  # it ended early; its exit code says why
        await process.stdin.drain()
    process.stdin.close()


async def _drain(process: Process) -> str:
    """Read what the program complains about, so that it never waits for us; the end of it."""
    assert process.stderr is not None
    kept = b""
    while piece := await process.stderr.read(_PIECE):
        kept = (kept + piece)[-_REASON_BYTES:]
    return " ".join(kept.decode("utf-8", "replace").split())


async def _end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
