"""Logs: readable lines on the console, JSON lines in one file for each process.

Code logs through `logging.getLogger(__name__)`. Room and turn ids come with
`structlog.contextvars.bound_contextvars(room=..., turn=...)`, or with `extra={"room": ..., "turn": ...}`.
"""

import contextlib
import fcntl
import itertools
import logging
import logging.handlers
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import structlog

FILE_BYTES = 10_000_000
FILES_KEPT = 4
ROTATE_AFTER_S = 24 * 3600.0
KEPT_FOR_S = 14 * 24 * 3600.0
SAY_AGAIN_S = 60.0


class OwnFileHandler(logging.handlers.RotatingFileHandler):
    """A log file that this process alone writes, bounded in size and age.

    Nothing is touched before the first line. Then the file is taken by a lock that ends with the process; where
    another process of the same role has it, this one writes `<role>-2.jsonl`, and so on. A file is put aside when it
    is full or a day old, and everything in the folder that nobody wrote to for 14 days is deleted. A disk that refuses
    costs lines, not the process: it is said on the console once a minute.
    """

    def __init__(self, filename: str, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since 1970."""
        super().__init__(filename, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8", delay=True)
        self._clock = clock
        self._lock_file: IO[str] | None = None
        self._began_at = 0.0
        self._said_at = float("-inf")

    def _open(self) -> Any:
        path = Path(self.baseFilename)
        path.parent.mkdir(parents=True, exist_ok=True)
        if self._lock_file is None:
            path = self._take_name(path)
            self._delete_old(path)
        known = path.stat() if path.exists() else None
        self._began_at = known.st_mtime if known is not None and known.st_size else self._clock()
        return super()._open()

    def _take_name(self, path: Path) -> Path:
        for number in itertools.count(1):
            free = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
            lock = free.with_suffix(".lock").open("a")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            self._lock_file, self.baseFilename = lock, str(free)
            return free
        raise AssertionError("numbers do not end")

    def _delete_old(self, own: Path) -> None:
        for file in own.parent.glob("*.jsonl*"):
            with contextlib.suppress(FileNotFoundError):  # another process deletes as well
                if self._clock() - file.stat().st_mtime > KEPT_FOR_S:
                    file.unlink()

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        if self.stream is None:
            self.stream = self._open()
        is_old = self._clock() - self._began_at >= ROTATE_AFTER_S
        return (is_old and self.stream.seek(0, os.SEEK_END) > 0) or bool(super().shouldRollover(record))

    def doRollover(self) -> None:
        super().doRollover()
        self._delete_old(Path(self.baseFilename))

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif self._clock() - self._said_at >= SAY_AGAIN_S:
            self._said_at = self._clock()
            sys.stderr.write(f"{self.baseFilename} cannot be written: {error}\n")

    def close(self) -> None:
        super().close()
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None


class ConsoleFormatter(logging.Formatter):
    """`12:00:00 INFO chat.turn [demo 42] text`: time is UTC, room and turn stand in brackets where known."""

    def format(self, record: logging.LogRecord) -> str:
        fields = structlog.contextvars.get_contextvars() | vars(record)
        place = " ".join(str(fields[name]) for name in ("room", "turn") if fields.get(name) is not None)
        name = f"{record.name} [{place}]" if place else record.name
        text = f"{self.formatTime(record, '%H:%M:%S')} {record.levelname} {name} {record.getMessage()}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return text


def build_logging(folder: Path, process: str) -> dict[str, Any]:
    """The `LOGGING` dictionary for a process of role `process` that keeps its JSON lines in `folder`."""
    json_lines = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"console": {"()": "mysite.logs.ConsoleFormatter"}, "json": json_lines},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "console"},
            "file": {
                "class": "mysite.logs.OwnFileHandler",
                "formatter": "json",
                "filename": str(folder / f"{process}.jsonl"),
            },
        },
        "root": {"handlers": ["console", "file"], "level": "INFO"},
        "loggers": {
            "django": {"level": "INFO"},
            # Anybody can send a foreign Host; a traceback for each would let them write the log.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "daphne": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
            "httpx2": {"level": "WARNING"},
            "websockets": {"level": "WARNING"},
        },
    }
