"""What the repository says about itself is true."""

import re
import subprocess

import pytest

from tests.rules.source import ROOT

MARKDOWN_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)")
OWNER_FILE = re.compile(r"`((?:avatar_engine|chat|frontend|mysite|memory)/[a-z_/]+\.py)`")


def list_tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def read(name: str) -> str:
    try:
        return (ROOT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_only_ci_knows_the_shared_folder() -> None:
    shared = "../" + "shared"
    own = "frontend/static/"  # scripts have a folder of this name among their own
    assert [name for name in list_tracked() if shared in read(name) and not name.startswith(own)] == [".ci/run"]


def test_no_file_names_a_folder_of_one_machine() -> None:
    places = re.compile("/" + "work/|/" + "root/")
    assert not [name for name in list_tracked() if places.search(read(name))]


def test_owner_files_of_the_wires_exist() -> None:
    owners = OWNER_FILE.findall(read("docs/wire-protocol.md"))
    assert len(owners) >= 4
    assert not [name for name in owners if not (ROOT / name).exists()]


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for name in list_tracked():
        if not name.endswith(".md"):
            continue
        for target in MARKDOWN_LINK.findall(read(name)):
            if (
                "://" not in target
                and not target.startswith("mailto:")
                and not (ROOT / name).parent.joinpath(target).exists()
            ):
                broken.append(f"{name} -> {target}")
    assert not broken
