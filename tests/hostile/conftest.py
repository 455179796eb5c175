"""One running Footlight for everybody who means harm, and what must be true of it afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.live_system import LiveSystem, wait_until

GROWTH_MB = 40.0


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSystem]:
    with LiveSystem(tmp_path_factory.mktemp("hostile"), first_port=8600) as running:
        running.wait_on_air(90)
        yield running


def list_errors(system: LiveSystem) -> list[str]:
    """Lines of the web process's log that are errors or carry an exception."""
    lines = (system.data / "logs" / "web.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    bad = [row for row in rows if str(row.get("level", "")).lower() in ("error", "critical") or "exception" in row]
    return [json.dumps(row) for row in bad]


@pytest.fixture(autouse=True)
def _unharmed(system: LiveSystem) -> Iterator[None]:
    """The same web process goes on, its log has no exception, and its memory is what it was."""
    web = system.processes()["web"]
    rss_mb = web.memory_info().rss / 1e6
    yield
    assert system.processes()["web"].pid == web.pid
    assert list_errors(system) == []
    assert not [line for line in system.lines if "Traceback" in line]
    assert web.memory_info().rss / 1e6 - rss_mb < GROWTH_MB
    wait_until(system.is_ready, 10)
