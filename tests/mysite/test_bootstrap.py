"""`.venv` is made once, brought to the pins when they change, and left alone otherwise."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mysite import bootstrap
from mysite.machine import MachineError


class Pip:
    """Stands for the network and for pip: notes commands, and puts torch into the imagined environment."""

    def __init__(self, *, torch: str | None, installs: str = "2.13.0", index: bool = False) -> None:
        self.commands: list[list[str]] = []
        self.said: list[str] = []
        self.torch = torch
        self._installs = installs
        self.index = index

    def run(self, command: list[str]) -> None:
        self.commands.append(command)
        if "install" in command:
            self.torch = self.torch or self._installs

    def is_installed(self, pin: str) -> bool:
        return self.torch == pin.partition("==")[2]


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that exists and whose Python suits."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.touch()
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV_PYTHON", python)
    monkeypatch.setattr(bootstrap, "ask_version", lambda _: (3, 12))
    monkeypatch.setattr(bootstrap, "has_nvidia_driver", lambda: False)
    return tmp_path


@pytest.fixture
def install(venv: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Pip, str], None]:
    def install(pip: Pip, requirements: str) -> None:
        monkeypatch.setattr(bootstrap, "run", pip.run)
        monkeypatch.setattr(bootstrap, "is_installed", pip.is_installed)
        monkeypatch.setattr(bootstrap, "answers", lambda _: pip.index)
        monkeypatch.setattr(bootstrap, "say", pip.said.append)
        bootstrap.prepare_venv(requirements)

    return install


Install = Callable[[Pip, str], None]


def test_second_start_runs_nothing(install: Install) -> None:
    install(Pip(torch="2.13.0"), "requirements.txt")
    again = Pip(torch="2.13.0")
    install(again, "requirements.txt")
    assert again.commands == []


def test_test_run_serves_the_live_run_but_not_the_other_way_round(install: Install) -> None:
    live, test, live_again = (Pip(torch="2.13.0") for _ in range(3))
    install(live, "requirements.txt")
    install(test, "requirements-dev.txt")
    install(live_again, "requirements.txt")
    assert (len(live.commands), len(test.commands), len(live_again.commands)) == (1, 1, 0)


def test_moved_pins_are_installed_under_the_constraints(install: Install, venv: Path) -> None:
    (venv / ".requirements.txt.sha256").write_text("of older pins")
    pip = Pip(torch="2.13.0")
    install(pip, "requirements.txt")
    assert pip.commands[-1][-4:] == ["-r", "requirements.txt", "-c", "constraints.txt"]


def test_machine_without_gpu_takes_the_cpu_build_where_its_index_answers(install: Install) -> None:
    pip = Pip(torch=None, index=True)
    install(pip, "requirements.txt")
    assert pip.commands[0][-3:] == ["--index-url", bootstrap.TORCH_CPU_INDEX, bootstrap.TORCH]


def test_machine_without_the_cpu_index_is_told_the_size_first(install: Install) -> None:
    pip = Pip(torch=None, index=False)
    install(pip, "requirements.txt")
    assert len(pip.commands) == 1
    assert any("3.3 GB" in line for line in pip.said)


def test_moved_torch_is_an_error_and_leaves_no_stamp(install: Install, venv: Path) -> None:
    with pytest.raises(MachineError, match=r"torch==2\.13\.0"):
        install(Pip(torch="2.14.0"), "requirements.txt")
    assert not list(venv.glob(".*.sha256"))


def test_stamp_follows_every_file_of_pins_and_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "REPOSITORY", tmp_path)
    names = ("requirements.txt", "requirements-dev.txt", "constraints.txt")
    for name in names:
        (tmp_path / name).write_text("")
    seen = {bootstrap.hash_pins()}
    for name in names:
        (tmp_path / name).write_text("a==1")
        seen.add(bootstrap.hash_pins())
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / "moved")
    seen.add(bootstrap.hash_pins())
    assert len(seen) == len(names) + 2
