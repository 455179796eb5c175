"""Logs: readable lines on the console, JSON lines in one file for each process role.

Code logs through `logging.getLogger(__name__)`. Room and turn ids come with
`structlog.contextvars.bound_contextvars(room=..., turn=...)`, or with `extra={"room": ..., "turn": ...}`.
"""

import logging
import logging.handlers
from pathlib import Path
from typing import Any

import structlog

_FILE_BYTES = 10_000_000
_FILES_KEPT = 3


class FolderMakingFileHandler(logging.handlers.RotatingFileHandler):
    """A rotating file that makes its folder when the first line is written, not before."""

    def _open(self) -> Any:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()


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
                "class": "mysite.logs.FolderMakingFileHandler",
                "formatter": "json",
                "filename": str(folder / f"{process}.jsonl"),
                "maxBytes": _FILE_BYTES,
                "backupCount": _FILES_KEPT,
                "encoding": "utf-8",
                "delay": True,
            },
        },
        "root": {"handlers": ["console", "file"], "level": "INFO"},
        "loggers": {
            "django": {"level": "INFO"},
            "daphne": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
            "httpx2": {"level": "WARNING"},
            "websockets": {"level": "WARNING"},
        },
    }
