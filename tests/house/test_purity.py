"""The core is pure: values in, values out; no clock, chance, environment, network or disk.

Held to it are the rooms of CORE, and every other module whose docstring says of
itself "Pure." or "(pure)".
"""

import ast
import re
import subprocess
import sys

import pytest
from sources import Module, hold, imports, modules, typing_lines, within, words

CORE = (
    "registry.model",
    "registry.errors",
    "registry.text",
    "registry.urls",
    "registry.agents",
    "registry.evidence",
    "registry.signals",
    "registry.verdict",
    "registry.sources.robots",
    "registry.explain.hints",
    "registry.fingerprints",
    "registry.matching",
    "registry.checking.columns",
    "registry.checking.column_roles",
    "registry.checking.column_plan",
    "registry.checking.report",
    "registry.checking.page",
    "registry.checking._page_style",
    "registry.snapshot.format",
)
SAYS_SO = re.compile(r"\bPure[.:]|\(pure\)")

IMPURE_MODULES = words("""
    asyncio click concurrent contextvars ctypes fcntl ftplib getpass glob http importlib io
    locale logging mmap multiprocessing os pathlib platform psycopg queue random requests
    scrapy secrets select shutil signal socket socketserver sqlite3 ssl subprocess sys
    tempfile threading time twisted urllib.request urllib3 uuid warnings webbrowser
""")
IMPURE_CALLS = words("breakpoint compile eval exec input open print")
IMPURE_METHODS = words("""
    default_rng getenv iterdir mkdir now open read_bytes read_text rename rglob today touch
    unlink utcnow write_bytes write_text
""")
# What a file does all the same, and why its answers depend on its arguments alone.
EXCEPTIONS = {
    "registry/agents/known.py": {
        "importlib.resources": "the agent list is package data, the same in every process",
        ".read_text()": "of that package data",
    },
    "registry/datasets/layouts/__init__.py": {
        "importlib.resources": "the layouts are package data, the same in every process",
        ".iterdir()": "of that package data",
        ".read_text()": "of that package data",
    },
    "crawler/warc/records.py": {
        "io.BytesIO": "BytesIO: a file made of the bytes in hand",
    },
    "registry/bundles/warc_records.py": {
        "io.BytesIO": "BytesIO: a file made of the bytes in hand",
    },
    "registry/evidence/content_credentials.py": {
        "io": "BytesIO: a file made of the bytes in hand",
    },
    "registry/fingerprints/_decode.py": {
        "io": "BytesIO: a file made of the bytes in hand",
        ".open()": "PIL.Image.open of those bytes",
    },
    "registry/guarding/values.py": {
        "io.BytesIO": "BytesIO: a file made of the picture in hand",
    },
    "registry/urls/columns.py": {
        "sys": "whether a kernel is loaded changes the time of an answer, not the answer",
    },
    "registry/matching/code_join.py": {
        "os": "cpu_count: how many threads work changes no result",
        "concurrent.futures.ThreadPoolExecutor": "the threads of one join; its result is ordered",
    },
}


def is_pure(module: Module) -> bool:
    return any(within(module.name, room) for room in CORE) or bool(SAYS_SO.search(module.doc))


def impurities(tree: ast.Module) -> list[tuple[str, int]]:
    """Return what a file does that a pure one does not, with the line."""
    found = [
        (name, line)
        for name, line in imports(tree)
        if any(within(name, impure) for impure in IMPURE_MODULES)
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found += [(name, node.lineno) for name in _impure_call(node.func)]
        elif isinstance(node, ast.Global):
            found.append(("global", node.lineno))
        elif isinstance(node, ast.Attribute) and node.attr in {"environ", "random"}:
            found.append((f".{node.attr}", node.lineno))
    return found


def _impure_call(called: ast.expr) -> list[str]:
    if isinstance(called, ast.Name) and called.id in IMPURE_CALLS:
        return [f"{called.id}()"]
    if isinstance(called, ast.Attribute) and called.attr in IMPURE_METHODS:
        return [f".{called.attr}()"]
    return []


PURE = [module for module in modules("registry", "crawler") if is_pure(module)]


@pytest.mark.parametrize("module", PURE, ids=lambda module: module.name)
def test_pure(module):
    excused = EXCEPTIONS.get(module.path, {})
    hold(
        [
            f"{module.path}:{line} uses {what}"
            for what, line in impurities(module.tree)
            if what not in excused
        ],
        "pure modules take values and return values",
        "take it as an argument, or do it in db, snapshot, datasets, check or cli",
    )


# What pure modules import although it is not pure itself, and why that changes no answer.
PURE_ENOUGH = {
    "registry.compiling": "machine code answers as the function that it is made of",
    "registry.plugins": "imports the modules of this package, the same ones for every call",
}


def pure_imports(module: Module) -> list[tuple[str, int]]:
    """Return the modules of this project that a module loads, with the line; types aside."""
    names = {other.name for other in modules("registry", "crawler")}
    typing = set(typing_lines(module.tree))
    loaded: list[tuple[str, int]] = []
    for target, line in imports(module.tree):
        name = target if target in names else target.rpartition(".")[0]
        if line not in typing and name in names:
            loaded.append((name, line))
    return loaded


def test_pure_modules_load_pure_modules_alone():
    """With each import pure, so is everything behind it."""
    pure = {module.name for module in PURE} | set(PURE_ENOUGH) | {"registry"}
    wrong = [
        f"{module.path}:{line} imports {name}, which is not pure"
        for module in PURE
        for name, line in pure_imports(module)
        if name not in pure
    ]
    hold(wrong, "purity is transitive", "say 'Pure.' of it if it is, else take the value in")
    used = {name for module in PURE for name, _ in pure_imports(module)}
    hold(sorted(set(PURE_ENOUGH) - used), "PURE_ENOUGH holds what is used", "take these out")


def test_an_import_that_is_not_pure_is_found():
    module = Module("registry.signals.new", "x.py", "from registry.db import visits")
    assert pure_imports(module) == [("registry.db.visits", 1)]
    typed = "if TYPE_CHECKING:\n    from registry.db import visits"
    assert pure_imports(Module("registry.signals.new", "x.py", typed)) == []


def test_exceptions_are_needed():
    known = {module.path: module for module in PURE}
    stale = [
        f"{path}: {what}"
        for path, excused in EXCEPTIONS.items()
        for what in excused
        if path not in known or what not in {name for name, _ in impurities(known[path].tree)}
    ]
    hold(stale, "an exception is for something the file does", "take these out of EXCEPTIONS")


def test_the_values_use_the_standard_library_alone():
    wrong = [
        f"{module.path}:{line} imports {name}"
        for module in modules("registry")
        if module.name in {"registry.model", "registry.errors"}
        for name, line in imports(module.tree)
        if name.partition(".")[0] not in {"__future__", "collections", "dataclasses"}
        and name.partition(".")[0] not in {"datetime", "typing"}
    ]
    hold(wrong, "every other module imports model.py and errors.py", "keep them weightless")


@pytest.mark.parametrize(
    "line",
    [
        "import os",
        "from pathlib import Path",
        "from urllib.request import urlopen",
        "def f():\n    import random",
        "def f():\n    return open('x')",
        "def f(now=datetime.now()): ...",
        "def f():\n    return numpy.random.rand()",
        "def f(path):\n    return path.read_text()",
        "def f():\n    global memory",
        "import psycopg.rows",
    ],
)
def test_the_rule_bites(line):
    assert impurities(ast.parse(line)), line


@pytest.mark.parametrize("line", ["from urllib.parse import urlsplit", "value.replace('a', 'b')"])
def test_the_rule_lets_values_be(line):
    assert not impurities(ast.parse(line))


def test_core_is_there():
    names = {module.name for module in modules("registry")}
    hold([room for room in CORE if room not in names], "CORE names rooms", "take these out of it")


def test_what_a_pure_module_imports_needs_no_driver_and_no_framework():
    """Purity reaches through imports: what a pure module loads is loaded with it."""
    pure = sorted(module.name for module in modules("registry", "crawler") if is_pure(module))
    heavy = ("psycopg", "scrapy", "twisted", "sqlalchemy", "alembic", "click")
    code = f"import sys\nfor name in {pure}: __import__(name)\n"
    code += f"print(*(name for name in {heavy} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(pure) > 50
    assert done.stdout.split() == []
