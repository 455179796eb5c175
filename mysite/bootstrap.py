"""`make live` and `make test` start here, under any python3: it prepares `.venv` and hands over to it.

Standard library only, and readable by Python 3.8, so that an old Python gets words and not a traceback.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from mysite.env import REPOSITORY, EnvError, read_env
from mysite.machine import (
    NEWEST,
    OLDEST,
    MachineError,
    ask_version,
    check_data_folder,
    check_disk,
    check_port,
    check_venv_module,
    find_chromium,
    find_interpreter,
    has_nvidia_driver,
)

VENV = REPOSITORY / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
TORCH = "torch==2.13.0"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
INDEX_ANSWERS_WITHIN_S = 3
# Of the wheels as downloaded, and of `.venv` on disk; with CUDA, PyTorch brings NVIDIA's libraries along.
CPU_SIZES = (650_000_000, 2_600_000_000)
CUDA_SIZES = (3_300_000_000, 9_000_000_000)
CHECKED = ("mysite", "chat", "memory", "avatar_engine", "frontend", "manage.py")


def main(arguments: list[str]) -> int:
    try:
        if arguments == ["live"]:
            return run_live()
        if arguments[:1] == ["test"]:
            return run_tests(arguments[1:])
    except (MachineError, EnvError) as error:
        say(str(error))
        return 1
    say("Usage: python3 -m mysite.bootstrap live | test [pytest arguments]")
    return 2


def run_live() -> int:
    """Prepare the machine and become `manage.py live`."""
    env = read_env()
    check_port(env.host, env.port)
    check_data_folder(env.data_dir)
    prepare_venv("requirements.txt")
    os.chdir(REPOSITORY)
    os.execv(VENV_PYTHON, [str(VENV_PYTHON), "manage.py", "live"])  # noqa: S606 - becomes the supervisor


def run_tests(arguments: list[str]) -> int:
    """Lint, type check and test; every step runs, the first failure decides the exit status."""
    prepare_venv("requirements-dev.txt")
    prepare_chromium()
    python = str(VENV_PYTHON)
    steps = [
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-m", "mypy", *CHECKED],
        [python, "-m", "pytest", *arguments],
    ]
    status = 0
    for step in steps:
        say(" ".join(step[2:]))
        status = subprocess.run(step, cwd=REPOSITORY).returncode or status
    return status


def prepare_venv(requirements: str) -> None:
    """Make `.venv` and bring it to `requirements`; does nothing where that was done for the same pins."""
    stamp = VENV / f".{requirements}.sha256"
    pins = hash_pins()
    if VENV_PYTHON.exists() and stamp.exists() and stamp.read_text() == pins:
        return
    interpreter = find_interpreter(sys.executable, (sys.version_info[0], sys.version_info[1]))
    version = ask_version(str(VENV_PYTHON)) if VENV_PYTHON.exists() else None
    if version is None or not OLDEST <= version <= NEWEST:
        check_venv_module(interpreter)
        download, on_disk = CUDA_SIZES if has_nvidia_driver() else CPU_SIZES
        check_disk(VENV, on_disk)
        say(
            f"First start: about {download / 1e9:.1f} GB of libraries are downloaded into .venv "
            f"({on_disk / 1e9:.1f} GB on disk). The language model follows while the page is up."
        )
        run([interpreter, "-m", "venv", "--clear", str(VENV)])
        install(requirements)
    else:
        say(f"Bringing .venv to {requirements}")
        install(requirements, "--quiet")
    for name in ("requirements.txt", requirements):  # the second brings the first along
        (VENV / f".{name}.sha256").write_text(pins)


def hash_pins() -> str:
    """One hash over every file that pins a version, and the place of `.venv`, which cannot be moved."""
    digest = hashlib.sha256(str(VENV).encode())
    for name in ("requirements.txt", "requirements-dev.txt", "constraints.txt"):
        digest.update((REPOSITORY / name).read_bytes())
    return digest.hexdigest()


def install(requirements: str, *options: str) -> None:
    """Install the pins into `.venv`; PyTorch first, from its own index, where no GPU would use the larger build."""
    pip = [str(VENV_PYTHON), "-m", "pip", "install", "--disable-pip-version-check", *options]
    if not has_nvidia_driver() and not is_installed(TORCH):
        if answers(TORCH_CPU_INDEX):
            say(f"No NVIDIA driver: taking the CPU build of {TORCH}")
            run([*pip, "--index-url", TORCH_CPU_INDEX, TORCH])
        else:
            say(
                f"PyTorch's CPU index does not answer: taking {TORCH} from the package registry. "
                f"Where that has only the CUDA build, it is {CUDA_SIZES[0] / 1e9:.1f} GB."
            )
    run([*pip, "-r", requirements, "-c", "constraints.txt"])
    if not is_installed(TORCH):
        raise MachineError(
            f"The libraries are installed, but {TORCH} is not: something moved it. Delete .venv and retry."
        )


def is_installed(pin: str) -> bool:
    """Whether `.venv` holds exactly the version of `pin`; a build tag such as +cpu counts as the same version."""
    name, version = pin.split("==")
    code = f"import importlib.metadata as m; print(m.version({name!r}).split('+')[0])"
    done = subprocess.run([str(VENV_PYTHON), "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.decode().strip() == version


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url + "/torch/", timeout=INDEX_ANSWERS_WITHIN_S):  # noqa: S310
            return True
    except (urllib.error.URLError, OSError):
        return False


def prepare_chromium() -> None:
    """Install Chromium where apt may be used; else say which tests are left out and how to get them."""
    if find_chromium():
        return
    if os.geteuid() == 0 and Path("/usr/bin/apt-get").exists():
        say("Chromium is missing: installing it with apt (about 120 MB)")
        subprocess.run(["apt-get", "update"], stdout=subprocess.DEVNULL)
        command = ["apt-get", "install", "-y", "--no-install-recommends", "chromium", "fonts-noto-cjk"]
        if subprocess.run(command, stdout=subprocess.DEVNULL).returncode == 0 and find_chromium():
            return
    say("No Chromium: tests marked `browser` are left out. To get them: sudo apt install chromium, or install Chrome.")


def run(command: list[str]) -> None:
    if subprocess.run(command, cwd=REPOSITORY).returncode:
        raise MachineError("This step failed, see above: " + " ".join(command))


def say(text: str) -> None:
    sys.stderr.write(f"footlight: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
