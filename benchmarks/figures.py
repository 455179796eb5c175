"""What every benchmark shares: its command line, percentiles, a table, and the JSON file."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path


def build_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with `--json FILE`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    return parser


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is at least as large as `share` of all, 0 < share <= 1."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def describe_machine() -> dict[str, str | int | None]:
    """Enough to compare two runs."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text(encoding="utf-8").splitlines() if line.startswith("model name")]
        model = lines[0].split(":", 1)[1].strip() if lines else model
    return {"cpu": model, "cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}


def publish(figures: Mapping[str, float], path: Path | None, notes: Mapping[str, str] | None = None) -> None:
    """Print the figures as a table and write them where `--json` says."""
    width = max(len(name) for name in figures)
    for name, value in figures.items():
        print(f"{name:<{width}}  {value:10.1f}  {(notes or {}).get(name, '')}".rstrip())
    if path is not None:
        body = {"machine": describe_machine(), "figures": {k: round(v, 2) for k, v in figures.items()}}
        path.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
