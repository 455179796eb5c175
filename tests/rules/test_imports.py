"""Imports run one way, and the heavy ones only where they are needed."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.rules.source import PACKAGES, ROOT, SourceFile, is_within, list_sources

# What others may use of the avatar engine: beside what the design names, values and tables that cross the link.
ENGINE_FACE = ("models", "admin", "api", "services", "selectors", "tasks", "apps", "urls", "management", "migrations")
ENGINE_OPEN = (
    *("types", "client", "voice", "stream", "errors", "timing", "wire", "weights", "dialer", "performer_spec"),
    *("clips.wire", "clips.sound"),
    *("lipsync.registry", "air_gate", "training_desk"),
)

FORBIDDEN: dict[str, tuple[str, ...]] = {
    "avatar_engine": ("chat", "memory", "frontend", "mysite"),
    "memory": ("chat", "frontend", "mysite"),
    "chat": ("frontend", "mysite"),
    "frontend": ("mysite",),
}
# `mysite.env` is the type of settings.FOOTLIGHT; `mysite.celery` is the application that wakes tasks.
OPEN_OF_MYSITE = ("mysite.env", "mysite.celery")
TORCH_FOLDERS = ("avatar_engine.features", "avatar_engine.face", "avatar_engine.lipsync", "avatar_engine.evaluate")


def find_breaches(files: list[SourceFile], is_breach: Callable[[SourceFile, str, bool], bool]) -> list[str]:
    return [
        f"{file.name}:{line} imports {name}"
        for file in files
        for name, line, late in file.imports()
        if is_breach(file, name, late)
    ]


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_run_one_way(package: str) -> None:
    def is_breach(file: SourceFile, name: str, late: bool) -> bool:
        return is_within(name, *FORBIDDEN[package]) and not is_within(name, *OPEN_OF_MYSITE)

    assert not find_breaches(list_sources(package), is_breach)


def test_others_use_only_the_open_part_of_the_avatar_engine() -> None:
    allowed = tuple(f"avatar_engine.{name}" for name in (*ENGINE_FACE, *ENGINE_OPEN))

    def is_breach(file: SourceFile, name: str, late: bool) -> bool:
        return is_within(name, "avatar_engine") and not is_within(name, *allowed)

    assert not find_breaches(list_sources("chat", "frontend", "memory", "mysite"), is_breach)


def test_core_of_the_avatar_engine_knows_no_django() -> None:
    face = tuple(f"avatar_engine.{name}" for name in ENGINE_FACE)

    def is_breach(file: SourceFile, name: str, late: bool) -> bool:
        return is_within(name, "django", "rest_framework", "channels") and not is_within(file.module, *face)

    assert not find_breaches(list_sources("avatar_engine"), is_breach)


def is_of_networks(module: str) -> bool:
    """Whether `module` lies in a folder `nets`: its classes are torch modules, so it may need torch at its top."""
    return is_within(module, *TORCH_FOLDERS) and "nets" in module.split(".")


def test_torch_is_imported_in_functions_of_the_network_folders_alone() -> None:
    def is_breach(file: SourceFile, name: str, late: bool) -> bool:
        return (
            is_within(name, "torch", "torchaudio", "torchvision")
            and not (late and is_within(file.module, *TORCH_FOLDERS))
            and not is_of_networks(file.module)
        )

    assert not find_breaches(list_sources(*PACKAGES), is_breach)


def test_networks_are_imported_in_functions_alone() -> None:
    def is_breach(file: SourceFile, name: str, late: bool) -> bool:
        return is_of_networks(name) and not late and not is_of_networks(file.module)

    assert not find_breaches(list_sources(*PACKAGES), is_breach)


@pytest.mark.parametrize("package", ["mysite", "chat", "memory", "frontend", "avatar_engine"])
def test_package_imports_nothing_by_itself(package: str) -> None:
    assert not list(SourceFile(ROOT / package / "__init__.py").imports())


def modules_after(code: str) -> set[str]:
    program = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_web_loads_no_network_library() -> None:
    code = "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'mysite.settings.test'; import mysite.asgi"
    assert not modules_after(code) & {"torch", "onnxruntime", "librosa", "xllamacpp", "celery"}


def test_render_loads_neither_django_nor_torch() -> None:
    assert not modules_after("import avatar_engine.render") & {"django", "torch", "librosa"}
