"""The terms of schedules, from a command's options and from the rows of a CSV file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crawler.cli._options import options_from
from registry.errors import UnreadableInput, UsageError

if TYPE_CHECKING:
    from registry.db.schedules import Terms

Values = Mapping[str, Any]
# The column that names the site, and another name of it.
SITE_COLUMNS = ("url", "site")
# Options that say when; a row's own replace those of the command line.
_INTERVALS = ("every", "least", "most", "night")
# Most faults of a file that are shown; all of them are counted.
_SHOWN = 10


def terms_of(target: str, values: Values) -> Terms:
    """Return the terms for a URL or a spider's name. Raises UsageError.

    Without an interval or a cron expression, the interval follows the site's changes.
    """
    from crawler.plan import plan, refuse_haste
    from crawler.record.schedules import rule_of
    from crawler.schedule.rules import FIRST, LEAST, MOST
    from registry.db.schedules import Terms

    planned, options = plan(target, values["spider"]), options_from(values)
    refuse_haste(planned, options)
    every, least, most = (values[name] for name in ("every", "least", "most"))
    if every is not None and not (least or every) <= every <= (most or every):
        raise UsageError(
            "--every is not between --least and --most", "it is the first time between two visits"
        )
    if values["cron"] is None and (every is None or least is not None or most is not None):
        least = least if least is not None else min(LEAST, most or LEAST)
        most = most if most is not None else max(MOST, least)
        every = every if every is not None else min(max(FIRST, least), most)
    terms = Terms(
        planned.spider.name,
        planned.start_url,
        planned.host,
        every,
        least,
        most,
        values["cron"],
        values["night"],
        values["timezone"],
        values["site_files"],
        options.stored(),
    )
    rule_of(terms)
    return terms


def terms_in(path: Path, values: Values, ctx: click.Context) -> Iterator[Terms]:
    """Yield the terms of the rows of a CSV file; its columns are named as the options.

    An empty cell stands for the command's own option. Raises UnreadableInput for the first
    faults, after all rows were read.
    """
    faults: list[str] = []
    seen: dict[tuple[str, str], tuple[int, Terms]] = {}
    for number, row in _rows(path, ctx):
        try:
            if isinstance(row, str):
                raise UsageError(row)
            terms = terms_of(row["target"], _merged(values, row, ctx))
            key = (terms.spider, terms.start_url)
            first, known = seen.setdefault(key, (number, terms))
            if known != terms:
                raise UsageError(f"line {first} names the same site with other options")
        except (UsageError, click.UsageError) as error:
            hint = f" ({error.hint})" if isinstance(error, UsageError) and error.hint else ""
            faults.append(f"line {number}: {error.message}{hint}")
    if faults:
        more = f"; and {len(faults) - _SHOWN} more lines" if len(faults) > _SHOWN else ""
        raise UnreadableInput(
            f"{path}: {'; '.join(faults[:_SHOWN])}{more}", "nothing was added; correct these lines"
        )
    if not seen:
        raise UnreadableInput(f"{path}: it names no site", "a column url, and a line for each site")
    yield from (terms for _, terms in seen.values())


def _rows(path: Path, ctx: click.Context) -> Iterator[tuple[int, dict[str, str] | str]]:
    """Yield the lines of a CSV file: the cells that are not empty by column, or the fault."""
    from registry.claims.csv_rows import CsvRows
    from registry.claims.lines import lines_of, opened
    from registry.claims.rows import UnreadableRow
    from registry.errors import RefusedFile

    try:
        with opened(path) as file:
            table = CsvRows(lines_of(file))
            columns = _columns(table.header, ctx)
            for first, _, cells in table.rows(lambda cells: any("://" in cell for cell in cells)):
                if isinstance(cells, UnreadableRow):
                    yield first, cells.message
                    continue
                row = {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}
                filled = {name: cell for name, cell in row.items() if cell}
                yield first, filled if "target" in filled else "no site"
    except RefusedFile:
        raise
    except UnreadableInput as error:
        raise UnreadableInput(f"{path}: {error.message}", error.hint) from error
    except OSError as error:
        raise UnreadableInput(f"{path}: {error.strerror or error}") from error


def _columns(header: list[str], ctx: click.Context) -> list[str]:
    """Return the name of the option of each column, `target` for the site."""
    columns = []
    for name in header:
        column = name.strip().lower().replace("-", "_")
        columns.append("target" if column in SITE_COLUMNS else column)
    known = {"target", *_options(ctx)}
    wrong = [name for name, column in zip(header, columns, strict=True) if column not in known]
    if wrong:
        names = (*SITE_COLUMNS, *sorted(known - {"target"}))
        raise UnreadableInput(f"unknown column {wrong[0]!r}", f"known: {', '.join(names)}")
    if columns.count("target") != 1 or len(set(columns)) < len(columns):
        raise UnreadableInput("the first line must name one column url, and no column twice")
    return columns


def _options(ctx: click.Context) -> dict[str, click.Parameter]:
    """Return the options that a row can give."""
    return {
        param.name: param
        for param in ctx.command.params
        if isinstance(param, click.Option) and param.name and param.name not in {"file", "as_json"}
    }


def _merged(values: Values, row: Mapping[str, str], ctx: click.Context) -> dict[str, Any]:
    """Return the command's options with those of a row in their place."""
    own: dict[str, Any] = {}
    for name, option in _options(ctx).items():
        if name in row:
            own[name] = option.type.convert(row[name], option, ctx)
    merged = dict(values)
    if "cron" in own:
        merged |= dict.fromkeys(_INTERVALS)
    elif any(name in own for name in _INTERVALS):
        merged["cron"] = None
    return merged | own
