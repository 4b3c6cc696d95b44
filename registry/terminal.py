"""The only place that writes to standard output and standard error.

What becomes of a command whose standard streams are closed or full is decided here, too:
talk that nobody can be told is dropped, an answer that cannot be written is an error.

What commands print holds other people's text: names of files, addresses, marks. Here each
line is made visible, so that nothing in it moves the cursor, changes colours, reverses
the order of letters or begins a line of its own. A house test holds all other modules to it.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import click

from registry.errors import UnwritableOutput
from registry.text import visible

STDOUT, STDERR = 1, 2


def settle() -> None:
    """Put the null device in the place of standard streams that are closed.

    A file that is opened later would take their numbers, and get what libraries and
    child processes write there. `sys.stdin` and `sys.stdout` stay None: who reads or
    answers there has an error of its own. Call this before anything is opened.
    """
    number = os.open(os.devnull, os.O_RDWR)
    while number <= STDERR:
        os.set_inheritable(number, True)
        number = os.open(os.devnull, os.O_RDWR)
    os.close(number)
    if sys.stderr is None:
        sys.stderr = open(STDERR, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (it stays open)


def refuse_closed_stdout() -> None:
    """Raise UnwritableOutput where standard output is closed."""
    if sys.stdout is None:
        raise UnwritableOutput(
            "standard output is closed", "redirect it to /dev/null to discard the answer"
        )


def discard(*streams: int) -> None:
    """Send what is still written to these streams, STDOUT or STDERR, to the null device.

    Python's own flush at exit would complain of a stream that cannot be written.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(nowhere, stream)
    os.close(nowhere)


def flush() -> None:
    """Write out what is buffered. Raises BrokenPipeError, and UnwritableOutput for an answer."""
    if sys.stdout is not None:
        _answer("")
    _talk("")


def show(*lines: str) -> None:
    """Print lines of an answer on standard output; a line end within one is escaped."""
    _answer("\n".join(map(visible, lines)) + "\n")


def show_json(
    value: object, *, indent: int | None = None, default: Callable[[Any], object] | None = None
) -> None:
    """Print one JSON value on standard output, in ASCII."""
    import json

    _answer(json.dumps(value, indent=indent, default=default) + "\n")


def say(*lines: str) -> None:
    """Print lines of talk on standard error; a line end within one is escaped.

    Where standard error cannot be written, they are dropped: nobody can be told.
    """
    _talk("\n".join(map(visible, lines)) + "\n")


def say_error(message: str, hint: str = "") -> None:
    """Print an error and its hint, if it has one, on standard error."""
    say(f"error: {message}", *([f"hint: {hint}"] if hint else []))


def say_fault() -> None:
    """Print the traceback of the exception that is being handled on standard error."""
    say(*traceback.format_exc().rstrip("\n").split("\n"))


class Status:
    """What a command is at, on standard error: one line that is rewritten on a terminal."""

    def __init__(self) -> None:
        self.is_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._width = 0

    def show(self, text: str) -> None:
        """Show a short line; where there is no terminal, in a line of its own."""
        if not self.is_terminal:
            say(text)
            return
        line = visible(text)
        _talk("\r" + line.ljust(self._width))
        self._width = len(line)

    def clear(self) -> None:
        """Take the line off a terminal."""
        if self._width:
            _talk("\r" + " " * self._width + "\r")
            self._width = 0


def _answer(text: str) -> None:
    """Write to standard output and flush it; raise UnwritableOutput where that fails."""
    try:
        click.echo(text, nl=False)
    except BrokenPipeError:
        raise
    except OSError as error:
        discard(STDOUT)
        raise UnwritableOutput(f"standard output: {error.strerror}") from error


def _talk(text: str) -> None:
    try:
        click.echo(text, nl=False, err=True)
    except BrokenPipeError:
        raise
    except OSError:
        discard(STDERR)
