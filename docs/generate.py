"""Write docs/commands.md from what the commands say of themselves.

    .venv/bin/python docs/generate.py            write it
    .venv/bin/python docs/generate.py --check    only tell whether it is up to date

Summary, usage, text, options and exit codes are those of `--help`. A command
whose help has no example gets the one in EXAMPLES.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from textwrap import dedent

import click

PAGE = Path(__file__).with_name("commands.md")
PROGRAMS = {"registry": "registry.cli", "crawler": "crawler.cli"}
EXAMPLES = {
    "registry check": "registry check dataset.parquet --keep clear --out clean.parquet",
    "registry init": "REGISTRY_DATABASE_URL=postgresql://me@db.example/registry registry init",
    "registry lookup": "registry lookup picture.jpg https://gallery.example/works/tiger.jpg",
    "registry snapshot build": "registry snapshot build --out snapshot-2026-11",
    "registry snapshot diff": "registry snapshot diff snapshot-2026-10 snapshot-2026-11",
    "registry snapshot verify": "registry snapshot verify snapshot-2026-11",
    "registry stats": "registry stats --json",
    "crawler sites": "crawler sites",
}
EXAMPLE = re.compile(r"Examples?:")
HEAD = """\
# Commands

<!-- Written by docs/generate.py from the commands' own help; a test compares. -->

Data goes to standard output, talk and progress to standard error. `--json`
prints data for machines. An error is one line that begins with `error:`, often
with a second that begins with `hint:` and says what to do. New here? Begin with the
[quickstart](quickstart.md); how it is built is in [design](design.md).

## Exit codes

| code | `registry check` | other commands |
| --- | --- | --- |
| 0 | every row is clear | done |
| 1 | reserved or conditional rows were found | nothing was found |
| 2 | wrong usage | wrong usage |
| 3 | none were found, but rows are to be reviewed or could not be checked | \
a service (the database, a port) is unavailable |
| 4 | the dataset or the registry could not be read | an input could not be read |
| 130 | interrupted | interrupted |
| 141 | the reader of the output left | the same |
| 143 | ended by SIGTERM | the same |
| 70 | a fault of this program; its traceback is shown | the same |

## Environment

| variable | what it is |
| --- | --- |
| `REGISTRY_DATABASE_URL` | the PostgreSQL to use; unset: an [embedded](database.md) one |
| `REGISTRY_HOME` | where snapshots and the embedded PostgreSQL are kept |
| `CRAWLER_CONTACT` | whom a site's owner can [ask](crawling.md): a web page or `mailto:` |
"""


def commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Yield every command that does something, by its full name, in order."""
    for program, module in PROGRAMS.items():
        group = getattr(import_module(module), program)
        yield from _walk(program, group, click.Context(group, info_name=program))


def _walk(
    name: str, command: click.Command, context: click.Context
) -> Iterator[tuple[str, click.Command, click.Context]]:
    if not isinstance(command, click.Group):
        yield name, command, context
        return
    if command.invoke_without_command:
        yield name, command, context
    for child in command.list_commands(context):
        found = command.get_command(context, child)
        assert found is not None, f"{name} {child} is listed but not there"
        inner = click.Context(found, info_name=child, parent=context)
        yield from _walk(f"{name} {child}", found, inner)


def page() -> str:
    """Return the whole page."""
    return HEAD + "".join(_section(*found) for found in commands())


def _section(name: str, command: click.Command, context: click.Context) -> str:
    paragraphs = [_paragraph(text) for text in cleandoc(command.help or "").split("\n\n")]
    examples = [text for text in paragraphs if EXAMPLE.match(text)]
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    parts = [f"## {name}", paragraphs[0], f"```\n{usage}\n```"]
    parts += [text for text in paragraphs[1:] if text not in examples]
    parts.append(_options(command, context))
    parts.append(f"Example:\n\n```\n{_example(name, examples)}\n```")
    return "\n" + "\n\n".join(part for part in parts if part) + "\n"


def _paragraph(text: str) -> str:
    """Return a paragraph without click's mark for "keep my lines"."""
    return dedent(text.removeprefix("\b\n")).strip()


def _example(name: str, written: list[str]) -> str:
    if written:
        return dedent(EXAMPLE.sub("", written[0]).strip("\n")).strip()
    if name not in EXAMPLES:
        raise SystemExit(f"error: {name} has no example: add it to EXAMPLES in {__file__}")
    return EXAMPLES[name]


def _options(command: click.Command, context: click.Context) -> str:
    records = [p.get_help_record(context) for p in command.params if isinstance(p, click.Option)]
    rows = [f"| `{_cell(name)}` | {_cell(text)} |" for name, text in filter(None, records)]
    return "\n".join(["| option | |", "| --- | --- |", *rows]) if rows else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> int:
    """Write the page, or compare it; return the exit code."""
    fresh = page()
    if "--check" not in sys.argv:
        PAGE.write_text(fresh, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == fresh:
        return 0
    print(f"error: {PAGE} is not what the commands say", file=sys.stderr)
    print("hint: .venv/bin/python docs/generate.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
