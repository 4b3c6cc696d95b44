"""Write pages from help texts and docstrings.

docs/commands.md, docs/reference/*.md, and in docs/signals.md the table of readers.

    .venv/bin/python docs/generate.py            write them
    .venv/bin/python docs/generate.py --check    only check that they are up to date

Summary, usage, text, options and exit codes come from `--help`. A command whose help
has no example gets the one in EXAMPLES. The page of a reader is its docstring.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import click

DOCS = Path(__file__).parent
PROGRAMS = {"registry": "registry.cli", "crawler": "crawler.cli"}
EXAMPLES = {
    "registry init": "REGISTRY_DATABASE_URL=postgresql://me@db.example/registry registry init",
    "registry lookup": "registry lookup picture.jpg https://gallery.example/works/tiger.jpg",
    "registry snapshot build": "registry snapshot build --out snapshot-2026-11",
    "registry snapshot diff": "registry snapshot diff snapshot-2026-10 snapshot-2026-11",
    "registry snapshot list": "registry snapshot list --json",
    "registry snapshot verify": "registry snapshot verify snapshot-2026-11",
    "registry stats": "registry stats --json",
    "crawler refuse remove": "crawler refuse remove gallery.example",
    "crawler schedule pause": "crawler schedule pause gallery.example",
    "crawler schedule remove": "crawler schedule remove gallery.example",
    "crawler schedule resume": "crawler schedule resume gallery.example",
    "crawler schedule run-now": "crawler schedule run-now https://gallery.example/",
    "crawler schedule show": "crawler schedule show gallery.example",
    "crawler sites": "crawler sites",
}
EXAMPLE = re.compile(r"Examples?:")
LAYOUTS_HEAD = """\
# Known layouts

<!-- Written by docs/generate.py from registry/datasets/layouts/; a test compares. -->

A dataset with these columns (and others) is recognised without options. The roles are used where
the values agree; a column of another dataset is judged by its name and values
([checking](../checking.md#columns)).

| dataset | recognised by | roles | no keys of the picture |
| --- | --- | --- | --- |
"""
VARIANTS_HEAD = """\
# Sizes of one picture

<!-- Written by docs/generate.py from the files in registry/urls/variants/; a test compares. -->

Platforms and programs offer one picture in several sizes, each with a URL of its own. Each of
these plug-ins finds the URL, or a key, that is the same for all of them. Two different pictures
must never get one key: what is not named here stays as it is.
"""
HEAD = """\
# Commands

<!-- Written by docs/generate.py from the commands' own help; a test compares. -->

Results go to standard output, messages and progress to standard error. `--json` prints
results for programs. An error is one line that begins with `error:`, often followed by a
line that begins with `hint:` and says what to do. The [quickstart](quickstart.md) is the
place to begin; [design](design.md) describes the code.

## Exit codes

| code | `registry check` | other commands |
| --- | --- | --- |
| 0 | every row is clear | done |
| 1 | reserved or conditional rows were found | nothing was found, or a bundle is not verified |
| 2 | wrong usage | wrong usage |
| 3 | no such rows, but some need review or are unchecked | \
a service (the database, a port) is unavailable |
| 4 | dataset, registry or cluster are not available, or memory is short | \
an input could not be read, or memory is short |
| 129 | the terminal was closed (SIGHUP) | the same |
| 130 | interrupted | interrupted |
| 141 | the reader of the output closed the pipe | the same |
| 143 | ended by SIGTERM | the same |
| 70 | a fault of this program; its traceback is shown | the same |

These are the codes that a shell reports. `crawler worker` gives its visits back at a signal, and
ends with 0. Until Python has loaded a command, SIGTERM ends it
by the signal itself.

## Environment

| variable | meaning |
| --- | --- |
| `REGISTRY_DATABASE_URL` | the PostgreSQL to use; unset: an [embedded](database.md) one |
| `REGISTRY_HOME` | folder of snapshots and the embedded PostgreSQL |
| `REGISTRY_WARC` | folder of [WARC files](evidence.md#warc-files); an option `--warc` wins. \
`registry evidence` takes several, with `:` between them |
| `CRAWLER_CONTACT` | how a site's owner can [contact you](crawling.md): a web page or `mailto:` |
"""
NAMED = re.compile(r"\A([A-Z][a-z ]+):")
SIGNALS_HEAD = """\
# Readers of signals

<!-- Written by docs/generate.py from the readers' own docstrings; a test compares. -->

One reader a vocabulary: where its marks stand, their grammar, what they are taken to say,
what was decided, and the sources. How a verdict comes of them is in [signals](../signals.md).

"""
OVERVIEW = DOCS / "signals.md"
READERS_BEGIN = (
    "<!-- readers: written by docs/generate.py from their docstrings; a test compares -->"
)
READERS_END = "<!-- end of readers -->"
READERS_HEAD = """\
| reader | vocabulary | marks that refuse training | read in |
| --- | --- | --- | --- |
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
    # An option with two names has each on its own.
    rows = [
        f"| `{_cell(name).replace(', --', '`, `--')}` | {_cell(text)} |"
        for name, text in filter(None, records)
    ]
    return "\n".join(["| option | |", "| --- | --- |", *rows]) if rows else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def signals_page() -> str:
    """Return the page of all readers: which carriers each reads, and their docstrings."""
    from registry.signals import readers

    found = readers()
    carriers = sorted({carrier for reader in found.values() for carrier in reader.CARRIERS})
    rows = [
        f"| [{name}](#{name}) | "
        + " | ".join("yes" if carrier in reader.CARRIERS else "" for carrier in carriers)
        + " |"
        for name, reader in found.items()
    ]
    table = [f"| reader | {' | '.join(carriers)} |", "| --- " * (len(carriers) + 1) + "|", *rows]
    sections = (_reader(name, reader) for name, reader in found.items())
    return SIGNALS_HEAD + "\n".join(table) + "\n" + "".join(sections)


def overview_page() -> str:
    """Return docs/signals.md with its table of readers written anew."""
    from registry.signals import readers

    before, mark, rest = OVERVIEW.read_text(encoding="utf-8").partition(READERS_BEGIN)
    _, end, after = rest.partition(READERS_END)
    if not mark or not end:
        raise SystemExit(f"error: {OVERVIEW} has lost its lines {READERS_BEGIN} and {READERS_END}")
    rows = "".join(_overview_row(name, reader) for name, reader in readers().items())
    return f"{before}{mark}\n\n{READERS_HEAD}{rows}\n{end}{after}"


def _overview_row(name: str, reader: ModuleType) -> str:
    text = cleandoc(reader.__doc__ or "")
    refuses = re.search(r"^Refuses: (.+?)(?:\n\n|\Z)", text, re.MULTILINE | re.DOTALL)
    cells = [text.partition("\n")[0], refuses[1] if refuses else ""]
    shown = [_cell(_escaped(cell)).removesuffix(".") for cell in cells]
    where = ", ".join(f"`{carrier}`" for carrier in reader.CARRIERS)
    return f"| [{name}](reference/signals.md#{name}) | {' | '.join(shown)} | {where} |\n"


def _reader(name: str, reader: ModuleType) -> str:
    fields = ", ".join(f"`{field}`" for field in getattr(reader, "HEADERS", ()))
    where = ", ".join(f"`{carrier}`" for carrier in reader.CARRIERS)
    places = [path for row in getattr(reader, "SITE_FILES", ()) for path in row.paths]
    text = cleandoc(reader.__doc__ or "")
    facts = f"Reads {where}" + (f"; header fields {fields}" if fields else "")
    facts += f"; files {', '.join(f'`{path}`' for path in places)}" if places else ""
    files = f"`registry/signals/{name}.py`, `tests/vectors/{name}.jsonl`"
    return f"\n## {name}\n\n{_markdown(text)}\n\n{facts}. Files: {files}.\n"


def _markdown(text: str) -> str:
    """Return a docstring as Markdown: its examples fenced, its paragraphs' names bold."""
    parts: list[str] = []
    for block in re.split(r"\n(?:[ \t]*\n)+", text):
        if block.startswith("    "):
            example = dedent(block)
            follows = bool(parts) and parts[-1].startswith("```")
            before = parts.pop().removeprefix("```\n").removesuffix("```") if follows else ""
            parts.append(f"```\n{before}{chr(10) * bool(before)}{example}\n```")
        else:
            parts.append(NAMED.sub(r"**\1:**", _escaped(block)))
    return "\n\n".join(parts)


def _escaped(text: str) -> str:
    """Escape outside of code what Markdown would take for markup."""
    pieces = re.split(r"(`[^`]+`)", text)
    return "".join(p if p.startswith("`") else re.sub(r"([*<\[])", r"\\\1", p) for p in pieces)


def layouts_page() -> str:
    """Return the page of the known layouts."""
    from registry.datasets.layouts import known

    return LAYOUTS_HEAD + "".join(
        f"| {_escaped(layout.name)} | {_codes(sorted(layout.columns))}"
        f"{f'{layout.without_names} columns without names' if layout.without_names else ''} | "
        + ", ".join(f"`{column}`: {role}" for column, role in layout.roles.items())
        + " | "
        + "; ".join(f"`{column}`: {_escaped(why)}" for column, why in layout.ignored.items())
        + " |\n"
        for layout in known().values()
    )


def variants_page() -> str:
    """Return the page of the plug-ins that find the sizes of one picture."""
    from registry.urls.variants import plugins

    return VARIANTS_HEAD + "".join(
        f"\n## {name}\n\n{_markdown(cleandoc(plugin.__doc__ or ''))}\n"
        for name, plugin in plugins().items()
    )


def _codes(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


PAGES = {
    DOCS / "commands.md": page,
    DOCS / "reference" / "layouts.md": layouts_page,
    DOCS / "reference" / "variants.md": variants_page,
    DOCS / "reference" / "signals.md": signals_page,
    OVERVIEW: overview_page,
}


def main() -> int:
    """Write the pages, or compare them; return the exit code."""
    stale = [
        path
        for path, written in PAGES.items()
        if not path.exists() or path.read_text(encoding="utf-8") != written()
    ]
    if "--check" not in sys.argv:
        for path in stale:
            path.parent.mkdir(exist_ok=True)
            path.write_text(PAGES[path](), encoding="utf-8")
        return 0
    for path in stale:
        print(f"error: {path} is not what the code says", file=sys.stderr)
        print("hint: .venv/bin/python docs/generate.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
