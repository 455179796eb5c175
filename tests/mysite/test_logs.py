"""Log lines say which room and which turn they belong to."""

import json
import logging
import logging.config
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from mysite.logs import ConsoleFormatter, build_logging


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
