"""Memory of the processes of this machine, room on its disk, and what waits in the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
from django.db.models import Count
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from chat.models import Message
from mysite.disk import read_disk
from mysite.env import Env


class MachineMeter(Collector):
    """`read` looks, which may block; `collect` tells what was seen."""

    def __init__(self, env: Env) -> None:
        self._env = env
        self._resident: dict[str, int] = {}
        self._waiting: dict[str, int] = {}
        self._free_bytes = 0

    def read(self) -> None:
        """Look at processes, disk and waiting messages."""
        self._resident = read_resident_bytes(self._env.process, self._env.data_dir)
        self._free_bytes = read_disk(self._env.data_dir).free_bytes
        waiting = Message.objects.filter(state=Message.State.WAITING).values_list("room__slug").annotate(Count("pk"))
        self._waiting = dict(waiting.order_by())

    def collect(self) -> Iterator[Metric]:
        resident = GaugeMetricFamily(
            "footlight_process_resident_bytes", "Resident memory of a process of this machine.", labels=["process"]
        )
        for name, size in self._resident.items():
            resident.add_metric([name], size)
        waiting = GaugeMetricFamily("footlight_messages_waiting", "Messages that wait for an answer.", labels=["room"])
        for slug, count in self._waiting.items():
            waiting.add_metric([slug], count)
        free = GaugeMetricFamily("footlight_disk_free_bytes", "Free on the disk of the data folder.", self._free_bytes)
        yield from (resident, waiting, free)


def read_resident_bytes(own_name: str, data_dir: Path) -> dict[str, int]:
    """Role -> resident bytes of this process and of those that the same supervisor started on the same data folder."""
    own = psutil.Process()
    found = {own_name: own.memory_info().rss}
    parent = own.parent()
    for sibling in parent.children() if parent is not None else []:
        try:
            environ = sibling.environ()
            name = environ.get("FOOTLIGHT_PROCESS")
            if name and Path(environ.get("DATA") or data_dir).resolve() == data_dir:
                found[name] = sibling.memory_info().rss
        except psutil.Error:  # it ended just now, or belongs to somebody else
            continue
    return found
