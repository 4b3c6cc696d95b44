"""The only place that writes to standard output and standard error.

What commands print holds other people's text: names of files, addresses, marks. Here each
line is made visible, so that nothing in it moves the cursor, changes colours, reverses
the order of letters or begins a line of its own. A house test holds all other modules to it.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any

import click

from registry.text import visible


def show(*lines: str) -> None:
    """Print lines of an answer on standard output; a line end within one is escaped."""
    click.echo("\n".join(map(visible, lines)))


def show_json(
    value: object, *, indent: int | None = None, default: Callable[[Any], object] | None = None
) -> None:
    """Print one JSON value on standard output, in ASCII."""
    import json

    click.echo(json.dumps(value, indent=indent, default=default))


def say(*lines: str) -> None:
    """Print lines of talk on standard error; a line end within one is escaped."""
    click.echo("\n".join(map(visible, lines)), err=True)


def say_error(message: str, hint: str = "") -> None:
    """Print an error and its hint, if it has one, on standard error."""
    say(f"error: {message}", *([f"hint: {hint}"] if hint else []))


def say_fault() -> None:
    """Print the traceback of the exception that is being handled on standard error."""
    say(*traceback.format_exc().rstrip("\n").split("\n"))


class Status:
    """What a command is at, on standard error: one line that is rewritten on a terminal."""

    def __init__(self) -> None:
        self.is_terminal = sys.stderr.isatty()
        self._width = 0

    def show(self, text: str) -> None:
        """Show a short line; where there is no terminal, in a line of its own."""
        if not self.is_terminal:
            say(text)
            return
        line = visible(text)
        self._write("\r" + line.ljust(self._width))
        self._width = len(line)

    def clear(self) -> None:
        """Take the line off a terminal."""
        if self._width:
            self._write("\r" + " " * self._width + "\r")
            self._width = 0

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
