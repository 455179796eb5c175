"""A supervised process is restarted with back-off and leaves nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from mysite.child import HEALTHY_AFTER_S, LONGEST_DELAY_S, BackOff, Child, Program


class Diary:
    """Takes the place of console, clock and sleep: time passes only by sleeping."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.slept: list[float] = []
        self.now = 0.0

    def say(self, name: str, text: str) -> None:
        self.lines.append(f"{name}: {text}")

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    def child(self, code: str, **fields: object) -> Child:
        program = Program("part", (sys.executable, "-c", textwrap.dedent(code)), **fields)  # type: ignore[arg-type]
        return Child(program, {**os.environ, "PYTHONUNBUFFERED": "1"}, self.say, lambda: self.now, self.sleep)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False


async def wait_until(condition: object, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.01)


def test_back_off_doubles_to_its_ceiling_and_forgets_after_a_healthy_run() -> None:
    back_off = BackOff()
    delays = [back_off.next_delay_s(0.1) for _ in range(8)]
    assert delays[:4] == [0.2, 0.4, 0.8, 1.6]
    assert delays[-1] == LONGEST_DELAY_S
    assert back_off.next_delay_s(HEALTHY_AFTER_S) == 0.2


async def test_service_that_ends_is_started_again_even_after_status_0() -> None:
    diary = Diary()
    child = diary.child("print('here')")
    task = asyncio.create_task(child.run())
    await wait_until(lambda: diary.lines.count("part: here") >= 3)
    await child.stop()
    await asyncio.wait_for(task, 10)
    assert diary.slept[:2] == [0.2, 0.4]
    assert any("ended with status 0; starts again in 0.2 s" in line for line in diary.lines)


async def test_job_ends_with_success_and_is_repeated_after_failure(tmp_path: Path) -> None:
    diary = Diary()
    mark = tmp_path / "tried"
    child = diary.child(
        f"""
        import pathlib, sys
        mark = pathlib.Path({str(mark)!r})
        tried = mark.exists()
        mark.touch()
        sys.exit(0 if tried else 3)
        """,
        job=True,
    )
    await asyncio.wait_for(child.run(), 10)
    assert diary.lines == ["part: ended with status 3; starts again in 2.0 s"]


async def test_killed_process_is_named_by_its_signal_and_comes_back() -> None:
    diary = Diary()
    child = diary.child("import time; print('up'); time.sleep(60)")
    task = asyncio.create_task(child.run())
    await wait_until(lambda: "part: up" in diary.lines)
    assert child.pid
    os.kill(child.pid, signal.SIGKILL)
    await wait_until(lambda: diary.lines.count("part: up") == 2)
    assert any("SIGKILL" in line for line in diary.lines)
    await child.stop()
    await asyncio.wait_for(task, 10)


STUBBORN_FAMILY = """
    import signal, subprocess, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    print("grandchild", subprocess.Popen([sys.executable, "-c", code]).pid, flush=True)
    time.sleep(60)
"""


async def test_stop_kills_what_ignores_the_request_and_its_children_too() -> None:
    diary = Diary()
    child = diary.child(STUBBORN_FAMILY)
    task = asyncio.create_task(child.run())
    await wait_until(lambda: bool(diary.lines))
    pid, grandchild = child.pid, int(diary.lines[0].split()[-1])
    assert pid
    await child.stop()
    await asyncio.wait_for(task, 10)
    await wait_until(lambda: not is_alive(pid) and not is_alive(grandchild))


async def test_line_longer_than_the_limit_is_passed_on_in_pieces() -> None:
    diary = Diary()
    child = diary.child("print('x' * 100_000); print('end')", job=True)
    await asyncio.wait_for(child.run(), 10)
    assert sum(line.count("x") for line in diary.lines) == 100_000
    assert diary.lines[-1] == "part: end"


async def test_program_that_is_not_there_is_said_and_tried_again() -> None:
    diary = Diary()
    child = Child(Program("part", ("/no/such/program",)), os.environ, diary.say, lambda: diary.now, diary.sleep)
    task = asyncio.create_task(child.run())
    await wait_until(lambda: len(diary.slept) >= 2)
    await child.stop()
    await asyncio.wait_for(task, 10)
    assert diary.lines[0].startswith("part: cannot start")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ties a child's life to its parent")
def test_no_process_outlives_a_supervisor_that_was_killed() -> None:
    code = """
    import asyncio, os, sys, time
    from mysite.child import Child, Program
    program = Program("part", (sys.executable, "-c", "import os, time; print(os.getpid()); time.sleep(60)"))
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    asyncio.run(Child(program, environ, lambda name, text: print(text, flush=True), time.monotonic).run())
    """
    supervisor = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout
    pid = int(supervisor.stdout.readline())
    assert is_alive(pid)
    supervisor.kill()
    supervisor.wait()
    supervisor.stdout.close()
    deadline = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(pid)
