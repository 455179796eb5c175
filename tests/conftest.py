"""What every test may use, and which tests this machine can run."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from mysite.machine import find_chromium, has_nvidia_driver

SERVICE_VARIABLES = ("FOOTLIGHT_TEST_DATABASE_URL", "FOOTLIGHT_TEST_REDIS_URL", "FOOTLIGHT_TEST_BROKER_URL")


@dataclass(frozen=True)
class Services:
    """URLs of PostgreSQL, Redis and RabbitMQ that tests may write to."""

    database_url: str
    redis_url: str
    broker_url: str


def find_reason_to_skip(item: pytest.Item) -> str | None:
    """Why a marked test cannot run here, or None."""
    if item.get_closest_marker("browser") and not find_chromium():
        return "no Chromium here: sudo apt install chromium"
    if item.get_closest_marker("gpu") and not has_nvidia_driver():
        return "no NVIDIA GPU here"
    if item.get_closest_marker("services"):
        missing = [name for name in SERVICE_VARIABLES if not os.environ.get(name)]
        if missing:
            return f"no services here: set {', '.join(missing)}"
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    reason = find_reason_to_skip(item)
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with test data that is not in the repository; skips where there is none."""
    folder = os.environ.get("FOOTLIGHT_SHARED")
    if not folder or not Path(folder).is_dir():
        pytest.skip("test data that is not in the repository: set FOOTLIGHT_SHARED to its folder")
    return Path(folder)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium; skips where there is none."""
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium here: sudo apt install chromium")
    return path


@pytest.fixture(scope="session")
def services() -> Services:
    """URLs of the services; for tests marked `services`."""
    return Services(*(os.environ[name] for name in SERVICE_VARIABLES))
