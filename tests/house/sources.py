"""The repository's own files as the house tests read them: modules, imports, calls."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("registry", "crawler")


@dataclass(frozen=True)
class Module:
    """One Python file: dotted name, path from the root, text."""

    name: str
    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return _parsed(self.text, self.path)

    @property
    def doc(self) -> str:
        return ast.get_docstring(self.tree) or ""


@cache
def _parsed(text: str, path: str) -> ast.Module:
    return ast.parse(text, path)


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Return the Python files below some folders of the repository, sorted."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    assert paths, f"no Python files in {folders}"
    return tuple(_module(path.relative_to(ROOT)) for path in paths)


def _module(path: Path) -> Module:
    name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    return Module(name, path.as_posix(), (ROOT / path).read_text("utf-8"))


@cache
def tracked() -> tuple[Path, ...]:
    """Return the files Git knows, or would take with `git add`, from the root."""
    listed = subprocess.run(
        [
            "git",
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = {name for name in listed.stdout.decode().split("\0") if name}
    return tuple(Path(name) for name in sorted(names) if (ROOT / name).is_file())


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield every import of a file, late ones too, as (dotted name, line).

    `from a import b` gives `a.b`: whether b is a module or a name in one is not
    known here, so ask with `within`.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports here name the whole path"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def typing_lines(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that only type checkers read."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


def words(text: str) -> frozenset[str]:
    """Return the words of a text, for long lists of names."""
    return frozenset(text.split())


def hold(wrong: Iterable[str], rule: str, fix: str) -> None:
    """Fail with every violation, the rule and the fix, if there is a violation."""
    found = list(wrong)
    if found:
        pytest.fail("\n".join([*found, f"rule: {rule}", f"fix: {fix}"]), pytrace=False)


def within(name: str, room: str) -> bool:
    """Tell whether a dotted name is a room or stands in it."""
    return name == room or name.startswith(f"{room}.")


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
