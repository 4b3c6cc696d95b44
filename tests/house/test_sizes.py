"""Files of at most 400 lines, functions of at most 40: what is longer does two things."""

import ast

import pytest
from sources import functions, hold, modules

FILE_LINES = 400
FUNCTION_LINES = 40
FOLDERS = ("registry", "crawler", "demo", "bench", "migrations", "docs", "tests")


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count from `def` to the end, the docstring (of a command: its help) aside."""
    length = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        length -= (first.end_lineno or first.lineno) - first.lineno + 1
    return length


@pytest.mark.parametrize("folder", FOLDERS)
def test_files_are_short(folder):
    counted = [(module.path, len(module.text.splitlines())) for module in modules(folder)]
    hold(
        [f"{path}: {lines} lines" for path, lines in counted if lines > FILE_LINES],
        f"a file has at most {FILE_LINES} lines",
        "move one of the things it does into a file of its own",
    )


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if folder != "tests"])
def test_functions_are_short(folder):
    counted = [
        (f"{module.path}:{function.lineno} {function.name}", lines_of(function))
        for module in modules(folder)
        for function in functions(module.tree)
    ]
    hold(
        [f"{where}: {lines} lines" for where, lines in counted if lines > FUNCTION_LINES],
        f"a function has at most {FUNCTION_LINES} lines, its docstring not counted",
        "give a step of it a name",
    )


def test_counting():
    text = 'def f():\n    """Say\n    it."""\n    return 1\n'
    assert lines_of(next(functions(ast.parse(text)))) == 2
