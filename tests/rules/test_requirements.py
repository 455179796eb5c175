"""Everything that is installed has an exact version, a reason and a licence that we may use."""

import importlib.metadata
import re

import pytest

from avatar_engine.weights import WEIGHTS
from mysite.bootstrap import TORCH
from tests.rules.source import ROOT

PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[a-z,]+\])?==([^\s;]+)$")


# Weight files under these may be used and passed on by anybody, for money too.
FREE_LICENCES = {"Apache-2.0", "MIT", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0"}


def read_page() -> str:
    return (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")


def normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pins(file: str) -> dict[str, str]:
    pins = {}
    for line in (ROOT / file).read_text().splitlines():
        if not line or line.startswith(("#", "-r ")):
            continue
        match = PIN.match(line)
        assert match, f"{file}: {line!r} is not an exact version"
        pins[normalise(match[1])] = match[2]
    return pins


def read_direct() -> dict[str, str]:
    return read_pins("requirements.txt") | read_pins("requirements-dev.txt")


def test_constraints_pin_only_what_the_requirements_bring_along() -> None:
    assert not read_pins("constraints.txt").keys() & read_direct().keys()


def test_torch_stands_where_it_was_put() -> None:
    assert read_pins("requirements.txt")["torch"] == "2.13.0" == TORCH.partition("==")[2]
    assert importlib.metadata.version("torch").partition("+")[0] == "2.13.0"


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt", "constraints.txt"])
def test_installed_versions_are_the_pinned_ones(file: str) -> None:
    moved = {}
    for name, version in read_pins(file).items():
        try:
            installed = importlib.metadata.version(name).partition("+")[0]
        except importlib.metadata.PackageNotFoundError:
            continue  # constraints name packages of other platforms and Pythons too
        if installed != version:
            moved[name] = (version, installed)
    assert not moved


def test_every_requirement_has_a_line_in_the_docs() -> None:
    page = read_page().partition("\n## Weights\n")[0]
    listed = {normalise(name) for name in re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)}
    assert listed == read_direct().keys()


def test_every_weight_file_and_its_licence_stand_in_the_docs() -> None:
    page = read_page().partition("\n## Weights\n")[2]
    listed = dict(re.findall(r"^\| `([^`]+)` \|.*\| ([^|]+) \|$", page, re.MULTILINE))
    assert listed == {weight.name: weight.licence for weight in WEIGHTS}
    assert set(listed.values()) <= FREE_LICENCES


def describe_licence(name: str) -> str:
    metadata = importlib.metadata.metadata(name)
    classifiers = [text for text in metadata.get_all("Classifier") or [] if text.startswith("License")]
    # A `License` field that holds the whole text names other licences in passing; its first line says which it is.
    stated = (metadata.get("License") or "").splitlines()[:1]
    return " ".join([metadata.get("License-Expression") or "", *stated, *classifiers])


def test_no_package_is_under_the_gpl() -> None:
    names = [*read_pins("requirements.txt"), *read_pins("constraints.txt")]
    found = {}
    for name in names:
        try:
            licence = describe_licence(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if re.search(r"(?<![A-Za-z])A?GPL|(?<!Lesser )General Public License", licence):
            found[name] = licence
    assert not found
