"""How much memory and disk this machine has to give."""

from __future__ import annotations

import shutil
from pathlib import Path

import psutil

from avatar_engine.weights import LLM_LARGE, LLM_SMALL, ROOM_FOR_LARGE_LLM, LlmChoice, Weight, choose_llm, is_whole

_CGROUP = Path("/sys/fs/cgroup")


def available_memory(cgroup: Path = _CGROUP) -> int:
    """Bytes that a new process may use: what the machine has free, or less where a container is held shorter."""
    machine = int(psutil.virtual_memory().available)
    try:
        limit, used = (int((cgroup / name).read_text()) for name in ("memory.max", "memory.current"))
        counters = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return machine
    return min(machine, max(0, limit - used + int(counters.get("inactive_file", 0))))


def free_disk(folder: Path) -> int:
    """Bytes free on the disk that holds `folder`, which need not exist yet."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def choose_llm_here(requested: LlmChoice, folder: Path) -> Weight:
    """`choose_llm` for this machine and this weights folder. A large file that is already whole wants no more disk."""
    disk = ROOM_FOR_LARGE_LLM if is_whole(LLM_LARGE, folder) else free_disk(folder)
    return choose_llm(requested, available_memory(), disk)


def choose_llm_to_serve(requested: LlmChoice, folder: Path) -> Weight:
    """The language model to serve now.

    In "auto", where just one file is here, it is that one: memory was judged when it was fetched, before the other
    processes took their share, and the other file may never come.
    """
    here = [weight for weight in (LLM_LARGE, LLM_SMALL) if is_whole(weight, folder)]
    if requested == "auto" and len(here) == 1:
        return here[0]
    return choose_llm_here(requested, folder)
