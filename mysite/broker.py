"""The file-backed Celery broker of one machine: a message is a file in DATA/broker/messages."""

from pathlib import Path
from typing import Any

POLL_EVERY_S = 1.0  # of the idle worker; what tasks wake also stands in rows, so nobody waits for this


def build_broker_options(data_dir: Path) -> dict[str, Any]:
    """Transport options of kombu's filesystem transport."""
    folder = data_dir / "broker"
    return {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "control_folder": str(folder / "control"),
        "polling_interval": POLL_EVERY_S,
    }


def prepare_broker_folder(data_dir: Path) -> None:
    """Make the folders that the transport expects, and drop its routing files.

    Those are written again at every start; one that a crash left half written would stop the worker for ever.
    """
    options = build_broker_options(data_dir)
    for name in ("data_folder_in", "control_folder"):
        Path(options[name]).mkdir(parents=True, exist_ok=True)
    for file in Path(options["control_folder"]).glob("*.exchange"):
        file.unlink()
