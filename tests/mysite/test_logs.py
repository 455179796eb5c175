"""Log lines say which room and which turn they belong to."""

import contextlib
import json
import logging
import logging.config
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from mysite.env import REPOSITORY
from mysite.logs import (
    FILE_BYTES,
    FILES_KEPT,
    KEPT_FOR_S,
    ROTATE_AFTER_S,
    ConsoleFormatter,
    OwnFileHandler,
    build_logging,
)


@pytest.fixture
def logger(tmp_path: Path) -> Iterator[logging.Logger]:
    # Not dictConfig, which would take the handlers of the test run away.
    configurator = logging.config.DictConfigurator(build_logging(tmp_path / "logs", "web"))
    formatters, handlers = configurator.config["formatters"], configurator.config["handlers"]
    formatters["json"] = configurator.configure_formatter(formatters["json"])
    handler = configurator.configure_handler(handlers["file"])
    logger = logging.getLogger("trial")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)
    handler.close()


def read_lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "logs" / "web.jsonl").read_text().splitlines()]


def test_configuration_alone_writes_nothing(logger: logging.Logger, tmp_path: Path) -> None:
    assert not (tmp_path / "logs").exists()


def test_json_line_carries_room_and_turn(logger: logging.Logger, tmp_path: Path) -> None:
    with structlog.contextvars.bound_contextvars(room="demo", turn=7):
        logger.info("first %s", "sound")
    logger.warning("cut", extra={"room": "other"})
    first, second = read_lines(tmp_path)
    assert (first["event"], first["room"], first["turn"], first["level"]) == ("first sound", "demo", 7, "info")
    assert (second["room"], second.get("turn")) == ("other", None)


def test_json_line_keeps_a_traceback_on_one_line(logger: logging.Logger, tmp_path: Path) -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        logger.exception("a turn failed")
    (line,) = read_lines(tmp_path)
    assert "ValueError: broken" in str(line["exception"])


def test_console_line_names_room_and_turn() -> None:
    record = logging.LogRecord("chat.turn", logging.INFO, __file__, 1, "answered in %d ms", (900,), None)
    with structlog.contextvars.bound_contextvars(room="demo", turn=7):
        line = ConsoleFormatter().format(record)
    assert line.endswith("INFO chat.turn [demo 7] answered in 900 ms")


# files


class Clock:
    """Begins now, because files carry the time of the machine."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def write(handler: OwnFileHandler, text: str) -> None:
    handler.emit(logging.LogRecord("trial", logging.INFO, __file__, 1, text, (), None))


@pytest.fixture
def open_file(tmp_path: Path) -> Iterator[Callable[..., OwnFileHandler]]:
    handlers: list[OwnFileHandler] = []

    def build(clock: Callable[[], float] | None = None) -> OwnFileHandler:
        handlers.append(OwnFileHandler(str(tmp_path / "web.jsonl"), clock=clock or Clock()))
        return handlers[-1]

    yield build
    for handler in handlers:
        handler.close()


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*.jsonl*"))


def test_two_processes_never_write_one_file(open_file: Callable[..., OwnFileHandler], tmp_path: Path) -> None:
    first = open_file()
    write(first, "mine")
    code = (
        "import logging, sys; from mysite.logs import OwnFileHandler\n"
        "logging.getLogger().addHandler(OwnFileHandler(sys.argv[1])); logging.warning('theirs')"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "web.jsonl")], check=True, cwd=REPOSITORY)
    assert (tmp_path / "web.jsonl").read_text() == "mine\n"
    assert (tmp_path / "web-2.jsonl").read_text() == "theirs\n"
    write(third := open_file(), "the second has ended")  # so its file is free again
    assert third.baseFilename == str(tmp_path / "web-2.jsonl")
    assert (tmp_path / "web-2.jsonl").read_text() == "theirs\nthe second has ended\n"


def test_files_are_bounded_in_size_and_number(open_file: Callable[..., OwnFileHandler], tmp_path: Path) -> None:
    handler = open_file()
    for number in range(2 * (FILES_KEPT + 2)):
        write(handler, f"{number:x}" + "." * (FILE_BYTES // 2 - 10))
    assert names(tmp_path) == ["web.jsonl", *(f"web.jsonl.{number}" for number in range(1, FILES_KEPT + 1))]
    assert all(file.stat().st_size <= FILE_BYTES for file in tmp_path.glob("*.jsonl*"))


def test_quiet_process_puts_its_file_aside_after_a_day(
    open_file: Callable[..., OwnFileHandler], tmp_path: Path
) -> None:
    clock = Clock()
    handler = open_file(clock)
    write(handler, "monday")
    clock.now += ROTATE_AFTER_S - 1
    write(handler, "still monday")
    clock.now += 1
    write(handler, "tuesday")
    assert (tmp_path / "web.jsonl").read_text() == "tuesday\n"
    assert (tmp_path / "web.jsonl.1").read_text() == "monday\nstill monday\n"


def test_files_that_nobody_writes_go_after_two_weeks(open_file: Callable[..., OwnFileHandler], tmp_path: Path) -> None:
    now = time.time()
    for name, age_s in {"stage-3.jsonl": KEPT_FOR_S + 1, "web.jsonl.2": KEPT_FOR_S + 1, "beat.jsonl": 60}.items():
        (tmp_path / name).write_text("{}")
        os.utime(tmp_path / name, (now - age_s, now - age_s))
    write(open_file(), "now")
    assert names(tmp_path) == ["beat.jsonl", "web.jsonl"]


def test_full_disk_is_said_once_a_minute_and_stops_nobody(
    open_file: Callable[..., OwnFileHandler], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock()
    handler = open_file(clock)
    write(handler, "fits")
    real = handler.stream
    with open("/dev/full", "w", encoding="utf-8") as full:
        handler.stream = full
        for _ in range(100):
            write(handler, "does not fit")
        clock.now += 61
        write(handler, "does not fit")
        handler.stream = real
        with contextlib.suppress(OSError):
            full.close()
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "No space left" in said[0]
    write(handler, "fits again")
    assert (tmp_path / "web.jsonl").read_text() == "fits\nfits again\n"
