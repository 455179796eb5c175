"""The repository as the rules see it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("mysite", "chat", "memory", "avatar_engine", "frontend")


@dataclass(frozen=True)
class SourceFile:
    """One Python file."""

    path: Path

    @property
    def name(self) -> str:
        """Path from the repository root, with slashes."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def module(self) -> str:
        return self.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.name)

    def imports(self) -> Iterator[tuple[str, int, bool]]:
        """(full name, line, inside a function or under TYPE_CHECKING) of everything that the file imports.

        `from a.b import c` gives `a.b.c`.
        """
        yield from self._imports(self.tree, late=False)

    def _imports(self, node: ast.AST, *, late: bool) -> Iterator[tuple[str, int, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from ((alias.name, child.lineno, late) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = self._absolute(child)
                yield from ((f"{base}.{alias.name}", child.lineno, late) for alias in child.names)
            else:
                inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                typing_only = isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")
                yield from self._imports(child, late=late or inside or typing_only)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.module.split(".")
        if self.path.name != "__init__.py":
            parts = parts[:-1]
        parts = parts[: len(parts) - node.level + 1]
        return ".".join([*parts, *([node.module] if node.module else [])])


def list_sources(*folders: str) -> list[SourceFile]:
    """Python files under `folders` of the repository, without migrations, which are written by a program."""
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [SourceFile(path) for path in paths if "migrations" not in path.parts]


def is_within(module: str, *packages: str) -> bool:
    """Whether `module` is one of `packages` or lies inside one."""
    return any(module == package or module.startswith(package + ".") for package in packages)
