"""A machine that cannot run Footlight is told why, and what to do."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mysite import machine
from mysite.machine import MachineError
from tests.rules.source import ROOT


def write_python(folder: Path, name: str, version: str) -> None:
    """A stand-in that answers the one question the search asks."""
    path = folder / name
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)


def test_running_python_is_taken_where_it_suits() -> None:
    assert machine.find_interpreter("/usr/bin/python3", (3, 12)) == "/usr/bin/python3"


@pytest.mark.parametrize("current", [(3, 9), (3, 14)])
def test_another_python_on_the_path_is_found(
    current: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_python(tmp_path, "python3.13", "broken")
    write_python(tmp_path, "python3.12", "3 12")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert machine.find_interpreter("python3", current) == str(tmp_path / "python3.12")


@pytest.mark.parametrize(("current", "words"), [((3, 9), "too old"), ((3, 14), "newer than")])
def test_unsuitable_python_is_told_what_to_install(
    current: tuple[int, int], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match=words) as raised:
        machine.find_interpreter("python3", current)
    assert "apt install" in str(raised.value)


def test_missing_venv_module_is_named(tmp_path: Path) -> None:
    path = tmp_path / "python3"
    path.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; *) echo 3 11;; esac\n')
    path.chmod(0o755)
    with pytest.raises(MachineError, match=r"apt install python3\.11-venv"):
        machine.check_venv_module(str(path))


def test_full_disk_is_named_with_both_sizes(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=r"GB free; 1000000\.0 GB are needed"):
        machine.check_disk(tmp_path / "not" / "made", 10**15)


def test_free_port_passes_and_taken_port_names_its_holder() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        holder.listen()
        with pytest.raises(MachineError, match=f"Port {port} is taken") as raised:
            machine.check_port("127.0.0.1", port)
        if sys.platform.startswith("linux"):
            assert f"(process {os.getpid()})" in str(raised.value)
        assert f"PORT={port + 1}" in str(raised.value)
        assert machine.find_free_port("127.0.0.1", port) > port
    machine.check_port("127.0.0.1", port)


def test_address_of_another_machine_is_refused_in_words() -> None:
    with pytest.raises(MachineError, match="HOST="):
        machine.check_port("203.0.113.7", 8000)


def test_wrong_setting_is_said_without_a_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mysite.bootstrap", "live"],
        env={**os.environ, "PORT": "http"},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == "footlight: PORT is 'http': choose a number from 1 to 65535\n"


def test_data_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    machine.check_data_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir()) == []


def test_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.touch()
    for folder in (taken, taken / "below", Path("/proc/footlight")):
        with pytest.raises(MachineError, match=f"Cannot write to {folder}.*DATA="):
            machine.check_data_folder(folder)
