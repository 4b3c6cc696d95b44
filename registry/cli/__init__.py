"""The `registry` command: one file per sub-command, imported when it is called.

A sub-command lives in `registry/cli/NAME.py` (for names that Python reserves,
`NAME_.py`) and exports one click command called `command`.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

import click

from registry import __version__
from registry.cli._ending import Ending
from registry.cli._memory import lacks_memory, not_enough, prepare_memory
from registry.cli._pandas import leave_pandas_out
from registry.errors import RegistryError, UnwritableOutput, part_missing
from registry.terminal import (
    STDERR,
    STDOUT,
    discard,
    flush,
    refuse_closed_stdout,
    say,
    say_error,
    say_fault,
    settle,
)

# Shown by `registry --help` without importing the commands themselves, which
# keeps the start under 0.2 s. A house test holds this equal to the files.
SUMMARIES = {
    "agents": "List the known AI agents by purpose, with the list's date and source.",
    "check": "Check which rows of a dataset are reserved, and by which mark.",
    "claims": "List and withdraw imported claims.",
    "evidence": "Show or bundle the evidence of one image, and verify a bundle.",
    "explain": "Show evidence, signals and verdict for URLs, files, headers or evidence lines.",
    "hash": "Print digests and fingerprints of image files.",
    "history": "Show the recorded history of an image, page or site.",
    "import": "Import opt-out lists, or register pictures.",
    "init": "Create or migrate the database.",
    "lookup": "Look up an image file, a URL, a fingerprint or a digest.",
    "selftest": "Run the conformance vectors: are marks read as their specifications say?",
    "snapshot": "Build, list, verify, compare and remove snapshots.",
    "stats": "Count the recorded data by site, signal and freshness.",
}


# Exit code that a shell reports when SIGPIPE ends a process, as it ends most tools.
BROKEN_PIPE = 141
# EX_SOFTWARE of sysexits.h. Python's own code for a fault is 1, which here means reserved rows.
FAULT = 70


def run(group: click.Command, program: str) -> None:
    """Run a click command as a process: one-line errors, documented exit codes."""
    ending = Ending()
    settle()
    sys.exit(ending.done(_code(group, program, ending)))


def _code(group: click.Command, program: str, ending: Ending) -> int:
    """Run a click command and return its exit code; a broken pipe has a code of its own."""
    stdout = sys.stdout
    try:
        code = _outcome(group, program, ending)
        with suppress(UnwritableOutput):  # reported before
            flush()
    except BrokenPipeError:
        return _broken_pipe()
    except SystemExit:
        # At a broken pipe click ends the process itself, with the exit code of reserved
        # rows. Before that it replaces sys.stdout, which shows that this happened.
        if sys.stdout is stdout:
            raise
        return _broken_pipe()
    return code


def _outcome(group: click.Command, program: str, ending: Ending) -> int:
    """Run a click command, print its error if it has one, and return the exit code."""
    try:
        refuse_closed_stdout()
        prepare_memory()
        leave_pandas_out()
        code = group.main(prog_name=program, standalone_mode=False)
        flush()
    except BrokenPipeError:
        raise
    except (click.ClickException, RegistryError, OSError) as error:
        return _report(not_enough() if lacks_memory(error) else error, program)
    except (KeyboardInterrupt, click.Abort):
        say("interrupted")
        return 130
    except Exception as error:  # noqa: BLE001 (a bug must not end with the exit code of a result)
        return _unforeseen(error, program, ending)
    return code if isinstance(code, int) else 0


def _unforeseen(error: Exception, program: str, ending: Ending) -> int:
    """Print what an error of no class of ours means, and return the exit code."""
    if ending.signalled_code is not None:
        # Code in C may replace the exception that a signal raises: it is no fault of ours.
        return ending.signalled_code
    if lacks_memory(error):
        return _report(not_enough(), program)
    missing = part_missing(error)
    if missing is not None:
        return _report(missing, program)
    say_fault()
    return FAULT


def _report(error: click.ClickException | RegistryError | OSError, program: str) -> int:
    """Print an error and its hint, and return its exit code."""
    if isinstance(error, RegistryError):
        say_error(error.message, error.hint)
        return error.exit_code
    if isinstance(error, OSError):
        # Files are opened in many places; the system's own message is enough.
        named = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        say_error(f"{named}{error.strerror or error}")
        return 4
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        say(*error.format_message().split("\n"))
    elif isinstance(error, click.UsageError):
        where = error.ctx.command_path if error.ctx else program
        say_error(error.format_message(), f"{where} --help")
    else:
        say_error(error.format_message())
    return error.exit_code


def _broken_pipe() -> int:
    """Discard further output, since its reader is gone (`| head`); return the exit code."""
    discard(STDOUT, STDERR)
    return BROKEN_PIPE


class LateGroup(click.Group):
    """A click group that imports a sub-command only when it is called.

    The sub-command NAME is `command` in the file NAME.py of `package`.
    """

    package: ClassVar[str] = "registry.cli"
    summaries: ClassVar[Mapping[str, str]] = SUMMARIES

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all sub-commands, sorted."""
        return sorted(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the sub-command's file and return its `command`."""
        if cmd_name not in self.summaries:
            return None
        module = "import_" if cmd_name == "import" else cmd_name
        loaded: click.Command = importlib.import_module(f"{self.package}.{module}").command
        return loaded

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command list from the summaries; no sub-command is imported."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(self.summaries.items()))


@click.command(cls=LateGroup)
@click.version_option(__version__, prog_name="registry")
def registry() -> None:
    """Find out which images are reserved against AI training, and by which marks."""


def main(*_: Any) -> None:
    """Entry point of the `registry` command."""
    run(registry, "registry")
