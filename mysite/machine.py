"""What the machine has: Python, disk, ports, a GPU driver, Chromium. Standard library, and Python 3.8 can read it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

OLDEST = (3, 11)
NEWEST = (3, 13)
INTERPRETERS = ("python3.13", "python3.12", "python3.11", "python3", "python")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


class MachineError(Exception):
    """Something that a person has to put right. The text says what and how."""


def ask_version(interpreter: str) -> tuple[int, int] | None:
    """Major and minor version of `interpreter`, or None where it does not run."""
    code = "import sys; print(sys.version_info[0], sys.version_info[1])"
    try:
        done = subprocess.run([interpreter, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
        major, minor = done.stdout.split()
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return int(major), int(minor)


def find_interpreter(current: str, current_version: tuple[int, int]) -> str:
    """The Python to build the virtual environment with: this one where it suits, else one from the path.

    Raises MachineError where none suits.
    """
    if OLDEST <= current_version <= NEWEST:
        return current
    for name in INTERPRETERS:
        found = shutil.which(name)
        version = ask_version(found) if found else None
        if found and version and OLDEST <= version <= NEWEST:
            return found
    wanted = f"Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
    here = ".".join(map(str, current_version))
    state = "too old" if current_version < OLDEST else "newer than its libraries support"
    raise MachineError(
        f"Footlight needs {wanted}. {current} is Python {here}: {state}, and the path has no other.\n"
        "Debian, Ubuntu: apt install python3.11 python3.11-venv. Fedora: dnf install python3.12. "
        "macOS: brew install python@3.12.\n"
        "Or name one: make live PYTHON=/path/to/python3.12"
    )


def check_venv_module(interpreter: str) -> None:
    """Raises MachineError where `interpreter` cannot make a virtual environment with pip in it."""
    done = subprocess.run([interpreter, "-c", "import venv, ensurepip"], stderr=subprocess.DEVNULL)
    if done.returncode:
        version = ask_version(interpreter) or OLDEST
        raise MachineError(
            f"{interpreter} cannot make virtual environments: python3-venv is missing.\n"
            f"Debian, Ubuntu: apt install python{version[0]}.{version[1]}-venv"
        )


def check_disk(folder: Path, needed_bytes: int) -> None:
    """Raises MachineError where `folder` has less than `needed_bytes` free."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise MachineError(
            f"{folder} has {free / 1e9:.1f} GB free; {needed_bytes / 1e9:.1f} GB are needed. "
            "Make room, or choose another disk with DATA=/path/to/folder."
        )


def check_data_folder(folder: Path) -> None:
    """Make `folder`, readable by its owner alone. Raises MachineError where nothing can be written there."""
    probe = folder / f".probe.{os.getpid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise MachineError(
            f"Cannot write to {folder}: {error.strerror}. Choose another folder: make live DATA=/folder"
        ) from error


def check_port(host: str, port: int) -> None:
    """Raises MachineError where web could not listen on `host` and `port`; says who holds it where that is known."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError as error:
            raise MachineError(f"Port {port} needs rights that you lack. Choose one from 1024: PORT=8000") from error
        except OSError as error:
            if error.errno != 98 and error.errno != 48:  # EADDRINUSE of Linux, of macOS
                raise MachineError(
                    f"Cannot listen on {host}: {error.strerror}. Choose another: HOST=127.0.0.1"
                ) from error
            holder = find_port_holder(port)
            by = f" by {holder}" if holder else ""
            raise MachineError(f"Port {port} is taken{by}. Choose another: make live PORT={port + 1}") from error


def find_port_holder(port: int) -> str | None:
    """Name and id of the process that listens on `port`, such as `nginx (process 812)`; None where hidden."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for folder in Path("/proc").glob("[0-9]*") if sockets else ():
        try:
            if any(os.readlink(link) in sockets for link in (folder / "fd").iterdir()):
                words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
                return f"{' '.join(words[:4]).strip()} (process {folder.name})"
        except OSError:
            continue  # gone meanwhile, or another user's
    return None


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                found.add(fields[9])
    return found


def find_free_port(host: str, first: int) -> int:
    """The first port from `first` that nothing listens on."""
    for port in range(first, min(first + 100, 65536)):
        try:
            check_port(host, port)
        except MachineError:
            continue
        return port
    raise MachineError(f"No port from {first} on is free on {host}.")


def has_nvidia_driver() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def find_chromium() -> str | None:
    """Path of a Chromium or Chrome, or None."""
    return next((path for path in map(shutil.which, CHROMIUM_NAMES) if path), None)
