"""A public name of a module is used by the product: a name that only tests use is deleted."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

import pytest
from sources import Module, hold, modules, within, words

# Rooms whose files are plug-ins, and files whose names others read: commands, settings.
PLUG_INS = (
    *(
        "registry.signals",
        "registry.datasets.formats",
        "registry.fingerprints",
        "registry.evidence.xmp",
    ),
    *("registry.cli", "crawler.cli", "crawler.spiders", "crawler.settings"),
    "crawler.monitors",
    *("registry.urls.variants", "registry.engines"),
)
# Named in settings as text, or by a program that starts a process.
BY_NAME = words("DestinationMiddleware PacedHandler HostThrottle main")
USERS = ("registry", "crawler", "demo", "bench", "docs", "migrations")


def defined(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the public functions, classes and constants of a module, with their lines."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((one.id, node.lineno) for one in targets if isinstance(one, ast.Name))


def taken(tree: ast.AST, own: str) -> Iterator[tuple[str, str]]:
    """Yield the names that a module uses, each after its module: `own`, or the imported one."""
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.module or "", alias.name
                imported[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield own, node.id
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield imported.get(node.value.id, node.value.id), node.attr


@cache
def all_taken() -> frozenset[tuple[str, str]]:
    """Return what the product and its programs use, without the tests."""
    return frozenset(use for module in modules(*USERS) for use in taken(module.tree, module.name))


def unused(module: Module, uses: frozenset[tuple[str, str]]) -> list[str]:
    """Return the public names of a module that nobody uses."""
    is_open = not any(within(module.name, room) for room in PLUG_INS)
    is_open |= module.name.rpartition(".")[2].startswith("_")
    return [
        f"{module.path}:{line} {name}"
        for name, line in defined(module.tree)
        if is_open
        and not name.startswith("_")
        and name not in BY_NAME
        and (module.name, name) not in uses
    ]


def test_public_names_are_used_by_the_product():
    # The front door of the package is for other people's programs.
    wrong = [
        n
        for m in modules("registry", "crawler")
        for n in unused(m, all_taken())
        if m.name != "registry"
    ]
    hold(wrong, "a public name is used outside of the tests", "delete it, or use it")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("def idle(): pass", ["idle"]),
        ("IDLE: int = 1", ["IDLE"]),
        ("BUSY = 1\ndef _own(): return BUSY", []),
        ("def taken(): pass", []),
    ],
)
def test_the_rule_bites(text, names):
    module = Module("registry.urls.new", "new.py", text)
    uses = frozenset({*taken(module.tree, module.name), ("registry.urls.new", "taken")})
    assert [one.rpartition(" ")[2] for one in unused(module, uses)] == names
