"""Static files carry their hash in their name, and modules find each other under these names."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.test import AsyncClient, override_settings

from mysite.preparation import collect_static_files

IMPORT = re.compile(r"""(?:^|\n)\s*(?:import|export)\b[^;"']*?(?:from\s*)?["'](\.[^"']+)["']""")
HASHED = re.compile(r"\.[0-9a-f]{12}\.")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "mysite.static_files.HashedStaticFiles"},
}


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("static")
    with override_settings(STATIC_ROOT=folder, STORAGES=STORAGES):
        call_command("collectstatic", verbosity=0, interactive=False)
        yield folder


def list_hashed_modules(folder: Path) -> list[Path]:
    return [path for path in (folder / "frontend").rglob("*.js") if HASHED.search(path.name)]


def test_imports_lead_from_hashed_name_to_hashed_name(collected: Path) -> None:
    modules = list_hashed_modules(collected)
    targets = [(path, path.parent / name) for path in modules for name in IMPORT.findall(path.read_text())]
    assert modules
    assert targets
    assert not [(path, target) for path, target in targets if not target.exists() or not HASHED.search(target.name)]


async def test_module_is_served_once_and_for_ever(collected: Path) -> None:
    name = "/static/" + list_hashed_modules(collected)[0].relative_to(collected).as_posix()
    with override_settings(STATIC_ROOT=collected):
        answer = await AsyncClient().get(name)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert "immutable" in answer.headers["Cache-Control"]
    assert "Content-Security-Policy" in answer.headers


def test_collection_is_skipped_until_a_source_changes(collected: Path) -> None:
    said: list[str] = []
    collect_static_files(collected, said.append)
    collect_static_files(collected, said.append)
    assert said == ["collecting static files"]
    (collected / ".sources.sha256").write_text("older")
    collect_static_files(collected, said.append)
    assert len(said) == 2
    assert staticfiles_storage.exists("staticfiles.json")
