"""One supervised process: started, read, restarted with back-off, ended with everything that it started."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 10.0
JOB_FIRST_DELAY_S = 2.0
JOB_LONGEST_DELAY_S = 600.0
HEALTHY_AFTER_S = 30.0
TERM_GRACE_S = 5.0
LINE_BYTES = 16_384
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Program:
    """What to run, and how to treat its end."""

    name: str
    argv: tuple[str, ...]
    nice: int = 0
    job: bool = False
    """A job is done when it ends with status 0, and is repeated ever more rarely until then; a service is started
    again whatever its status was."""


@dataclass
class BackOff:
    """How long to wait before the next start: doubles with every quick death, forgets after a healthy run."""

    first_s: float = FIRST_DELAY_S
    longest_s: float = LONGEST_DELAY_S
    _next_s: float = 0.0

    def next_delay_s(self, ran_s: float) -> float:
        """Seconds to wait after a process that lived for `ran_s` seconds."""
        if ran_s >= HEALTHY_AFTER_S:
            self._next_s = 0.0
        delay_s = max(self._next_s, self.first_s)
        self._next_s = min(delay_s * 2, self.longest_s)
        return delay_s


def build_parent_guard() -> Callable[[], None] | None:
    """A function for the child, between fork and exec, that ties its life to this process; None off Linux.

    With it no process outlives a supervisor that was killed with -9.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def guard() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the supervisor died before the line above
            os.kill(os.getpid(), signal.SIGKILL)

    return guard


@dataclass
class Child:
    """Runs one program until `stop`. `say` takes a line of text for the console, without its end."""

    program: Program
    environ: Mapping[str, str]
    say: Callable[[str, str], None]
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    pid: int | None = field(default=None, init=False)
    _stopping: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Start the program, and start it again whenever it ends; returns after `stop`, or when a job is done."""
        back_off = BackOff(JOB_FIRST_DELAY_S, JOB_LONGEST_DELAY_S) if self.program.job else BackOff()
        while not self._stopping:
            started = self.clock()
            status = await self._run_once()
            if self._stopping or (self.program.job and status == 0):
                return
            delay_s = back_off.next_delay_s(self.clock() - started)
            self.say(self.program.name, f"{_describe_end(status)}; starts again in {delay_s:.1f} s")
            await self.sleep(delay_s)

    async def stop(self) -> None:
        """Ask the program and all that it started to end; kill what is left after TERM_GRACE_S."""
        self._stopping = True
        pid = self.pid
        if pid is None:
            return
        _signal_group(pid, signal.SIGTERM)
        deadline = self.clock() + TERM_GRACE_S
        while self.pid == pid and self.clock() < deadline:
            await self.sleep(0.05)
        if self.pid == pid:
            self.say(self.program.name, f"does not end within {TERM_GRACE_S:.0f} s: killed")
        _signal_group(pid, signal.SIGKILL)

    async def _run_once(self) -> int:
        try:
            process = await asyncio.create_subprocess_exec(
                *self.program.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(self.environ),
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which ends the others in order
                preexec_fn=build_parent_guard(),
                limit=LINE_BYTES,
            )
        except OSError as error:
            self.say(self.program.name, f"cannot start: {error}")
            return 127
        self.pid = process.pid
        if self.program.nice:
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, process.pid, self.program.nice)
        assert process.stdout is not None
        reader = asyncio.create_task(self._read_lines(process.stdout), name=f"read-{self.program.name}")
        try:
            status = await process.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(reader), 0.2 if self._stopping else 1.0)
        finally:
            _signal_group(process.pid, signal.SIGKILL)  # what it started and left behind
            self.pid = None
            reader.cancel()
        return status

    async def _read_lines(self, stream: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await stream.readuntil(b"\n")
            except asyncio.IncompleteReadError as error:
                if error.partial:
                    self.say(self.program.name, _decode(error.partial))
                return
            except asyncio.LimitOverrunError as error:
                line = await stream.read(max(error.consumed, 1))
            self.say(self.program.name, _decode(line))


def _decode(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r\n")


def _describe_end(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-status).name}"
    return f"was ended by signal {-status}"


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
