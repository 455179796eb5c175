"""Rules of taste that a program can check."""

import ast
from pathlib import Path

from tests.rules.source import PACKAGES, ROOT, SourceFile, list_sources

FILE_LINES = 400
FUNCTION_LINES = 60

# Who may touch os.environ, and why.
READS_ENVIRONMENT = {
    "mysite/env.py": "the one reader",
    "mysite/asgi.py": "names the settings module before Django starts",
    "mysite/celery.py": "names the settings module before Django starts",
    "chat/llm/embedded.py": "writes, never reads: OpenMP can be told in no other way",
    "manage.py": "names the settings module before Django starts",
}


def sources() -> list[SourceFile]:
    return [*list_sources(*PACKAGES, "tests", "benchmarks"), SourceFile(ROOT / "manage.py")]


def scripts() -> list[Path]:
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.js")]


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    paths = [*(file.path for file in sources()), *scripts()]
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    assert not {name: lines for name, lines in lengths.items() if lines > FILE_LINES}


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{file.name}:{node.lineno} {node.name}"
        for file in sources()
        for node in ast.walk(file.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES
    ]
    assert not long


def test_no_file_is_named_for_having_no_name() -> None:
    names = {"utils.py", "util.py", "helpers.py", "misc.py", "common.py", "utils.js", "helpers.js"}
    assert not [path for path in (*(file.path for file in sources()), *scripts()) if path.name in names]


def test_the_environment_is_read_in_one_place() -> None:
    def reads(file: SourceFile) -> bool:
        return any(
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "os"
            and node.attr in ("environ", "environb", "getenv", "putenv")
            for node in ast.walk(file.tree)
        ) or any(name in ("os.environ", "os.getenv") for name, _, _ in file.imports())

    found = {file.name for file in [*list_sources(*PACKAGES), SourceFile(ROOT / "manage.py")] if reads(file)}
    assert found <= READS_ENVIRONMENT.keys()


def test_bootstrap_is_readable_by_an_old_python() -> None:
    for name in ("bootstrap", "machine", "env", "secret_files", "__init__"):
        ast.parse((ROOT / "mysite" / f"{name}.py").read_text(encoding="utf-8"), feature_version=(3, 8))
