"""One module prints: what a terminal would obey is escaped there, and cannot be forgotten."""

import ast

import pytest
from sources import Module, hold, modules, words

SEAM = "registry/terminal.py"
# Calls that print; of streams what reaches the terminal as it is.
PRINTING = words("echo echo_via_pager secho print print_exc print_exception print_stack pprint")
STREAMS = words("stdout stderr __stdout__ __stderr__")
WRITING = words("write writelines")


def printing(tree: ast.AST) -> list[tuple[str, int]]:
    """Return the calls that print past the seam, with their lines."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
        on_stream = isinstance(called, ast.Attribute) and _is_stream(called.value)
        if name in PRINTING or (name in WRITING and on_stream):
            found.append((ast.unparse(called), node.lineno))
    return found


def _is_stream(value: ast.expr) -> bool:
    """Tell whether a method is that of a standard stream, or of its bytes."""
    names = [node.attr for node in ast.walk(value) if isinstance(node, ast.Attribute)]
    return any(name in STREAMS for name in names)


@pytest.mark.parametrize(
    "module",
    [module for module in modules("registry", "crawler") if module.path != SEAM],
    ids=lambda module: module.name,
)
def test_nothing_else_prints(module):
    hold(
        [f"{module.path}:{line} calls {what}" for what, line in printing(module.tree)],
        "what commands print holds other people's text, and goes through registry.terminal",
        "call show, show_json, say or say_error of registry.terminal, one argument a line",
    )


@pytest.mark.parametrize(
    "line",
    [
        "click.echo(x)",
        "from click import echo\necho(x, err=True)",
        "print(x, file=sys.stderr)",
        "sys.stderr.write(x)",
        "sys.stdout.buffer.write(x)",
        "traceback.print_exc()",
        "def f():\n    click.secho(x)",
    ],
)
def test_the_rule_bites(line):
    assert printing(Module("x", "x.py", line).tree)


def test_reading_and_asking_is_no_printing():
    assert not printing(ast.parse("sys.stderr.isatty(); file.write(x); sys.stdout.flush()"))
