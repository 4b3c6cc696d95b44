"""`registry import`: import opt-out lists, or register pictures."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import click

from registry.claims.files import TABLE_SUFFIXES, is_table, read_table
from registry.claims.rows import checked_line
from registry.cli._import_result import ImportResult, report, say_unreadable
from registry.cli._path import NamedPath
from registry.errors import UnreadableInput, UsageError
from registry.model import Claim, Meaning, Picture
from registry.text import visible

if TYPE_CHECKING:
    import psycopg

    from registry.claims.ordinary import ClaimColumns
    from registry.datasets._left_out import SkippedFiles

MEANINGS = click.Choice(["reserved", "conditional", "allowed"])
Item = TypeVar("Item")


class Named(NamedTuple):
    """A file to import, the source of its claims, and its path within the given folder."""

    path: Path
    source: str
    file_name: str


@dataclass(slots=True)
class Defaults:
    """Values of the options, used where a row has none."""

    source: str | None
    meaning: Meaning
    claimant: str | None


def _line(_: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Return the text of an option; raise UsageError if a list could not hold it."""
    try:
        return None if value is None else checked_line(value)
    except ValueError as error:
        raise UsageError(f"--{option.name} {value!r}: expected {error}") from None


@click.command()
@click.argument("paths", nargs=-1, required=True, type=NamedPath(), metavar="FILE|FOLDER...")
@click.option(
    "--source",
    callback=_line,
    help="Source of the claims.  [default: the file's or folder's name]",
)
@click.option(
    "--meaning", type=MEANINGS, default="reserved", show_default=True, help="Meaning of the claims."
)
@click.option("--claimant", callback=_line, help="Person or body that makes the claims.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def command(
    paths: tuple[Path, ...],
    source: str | None,
    meaning: Meaning,
    claimant: str | None,
    as_json: bool,
) -> int:
    """Import opt-out lists, or register pictures.

    A list is a CSV, TSV, JSON lines or Parquet file with columns named url,
    page_url, site, path_pattern, sha256, md5, phash64, phash256, width, height,
    meaning, use, signal, evidence, observed_at, source, claimant, licence_url;
    each row needs one of url, sha256, md5, phash64, site. Case, spaces and hyphens
    in names do not matter (SHA-256). Columns with other names are ignored and listed
    once. The options fill empty fields. Text is UTF-8. A row that cannot be read,
    or has more or fewer fields than the first line, is skipped and reported with its
    line number.

    Pictures are fingerprinted, not stored; only the name of the file is kept. Folders
    are searched for lists and pictures, except hidden ones; other files are skipped
    and counted by type. Importing the same again adds nothing, but restores withdrawn
    claims.

    \b
    Exit codes: 0 everything was imported; 4 some rows or files could not be read, or
    skipped files may hold claims (the rest was imported).

    \b
    Example:
      registry import --source "artists' list" optouts.csv paintings/
    """
    from registry.db.connect import connect

    # The driver warns of errors that only follow from the one that is raised.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    tables, pictures, passed_over = _sorted_files(paths, source)
    result = ImportResult(passed_over=passed_over)
    try:
        with connect() as conn:
            result.started = True
            for table in tables:
                _import_table(conn, table, Defaults(source, meaning, claimant), result)
            _import_pictures(conn, pictures, Defaults(source, meaning, claimant), result)
        result.complete = True
    finally:
        # However an import ends, report what it has stored.
        if result.started:
            report(result, as_json)
    return result.exit_code


def _sorted_files(
    paths: Iterable[Path], source: str | None
) -> tuple[list[Named], list[Named], tuple[SkippedFiles, ...]]:
    """Return the tables, the pictures, and all other files in files and folders.

    Raises UnreadableInput if a path has nothing to import.
    """
    from registry.datasets._left_out import is_picture, passed_over
    from registry.evidence.carriers import IMAGE_ENDINGS

    tables: list[Named] = []
    pictures: list[Named] = []
    others: list[Path] = []
    hidden: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UnreadableInput(f"{path}: no such file or folder", "check the path")
        named = source or visible(path.resolve().name)
        files = _files(path)
        taken = [file for file in files if is_table(file) or is_picture(file)]
        if not taken:
            known = ", ".join([*TABLE_SUFFIXES, *sorted(IMAGE_ENDINGS)])
            hidden_too = " but hidden lists" if _hidden_lists(path) else ""
            hint = f"files that are read end in {known} and are not hidden"
            raise UnreadableInput(f"{path}: nothing to import{hidden_too}", hint)
        for file in taken:
            kept = tables if is_table(file) else pictures
            kept.append(Named(file, named, _name_in(path, file)))
        others += sorted(set(files).difference(taken))
        hidden += _hidden_lists(path)
    read = [picture.path for picture in pictures]
    return tables, pictures, passed_over(others, read, hidden)


def _name_in(named: Path, file: Path) -> str:
    """Return the path of a file within the given folder, or the name of a given file."""
    name = file.name if file == named else file.relative_to(named).as_posix()
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _files(path: Path) -> Sequence[Path]:
    from registry.datasets import files_in

    return files_in(path) if path.is_dir() else [path]


def _hidden_lists(path: Path) -> list[Path]:
    from registry.datasets import hidden_files_in

    return [file for file in hidden_files_in(path) if is_table(file)] if path.is_dir() else []


def _import_table(
    conn: psycopg.Connection, table: Named, defaults: Defaults, result: ImportResult
) -> None:
    from registry.cli._progress import Progress
    from registry.db.claims import import_claims
    from registry.db.connect import connect

    named = Claim(table.source, meaning=defaults.meaning, claimant=defaults.claimant)
    started = result.problems.rows_read
    with ExitStack() as sessions, Progress("rows") as progress:

        def show() -> None:
            progress(result.problems.rows_read - started, None)

        def claims() -> Iterator[Claim | ClaimColumns]:
            for claim in read_table(table.path, named, result.problems):
                show()
                yield claim

        def another() -> psycopg.Connection:
            return sessions.enter_context(connect())

        try:
            import_claims(
                conn,
                claims(),
                on_batch=result.add,
                defaults=named,
                on_wait=show,
                another=another,
            )
        except UnreadableInput as error:
            say_unreadable(result, error.message, error.hint)


def _import_pictures(
    conn: psycopg.Connection, pictures: list[Named], defaults: Defaults, result: ImportResult
) -> None:
    from registry.db.claims import import_pictures

    if pictures:
        claimed = _claimed(pictures, defaults, result)
        counted = _counted(claimed, "pictures", len(pictures))
        import_pictures(conn, counted, on_batch=result.add)


def _claimed(
    pictures: list[Named], defaults: Defaults, result: ImportResult
) -> Iterator[tuple[Picture, Claim]]:
    """Yield each readable picture with a claim about it; report the others as unreadable."""
    from registry.pictures.files import read_pictures
    from registry.pictures.reading import Unread

    files = {named.path: named for named in pictures}
    for path, picture in read_pictures(list(files)):
        if isinstance(picture, Unread):
            say_unreadable(result, picture.message, picture.hint)
            continue
        result.unfit_pictures += picture.unfit is not None
        yield picture, _claim(picture, files[path], defaults)


def _claim(picture: Picture, named: Named, defaults: Defaults) -> Claim:
    def full(algorithm: str) -> str | None:
        return picture.fingerprints.get(algorithm, {}).get("full")

    return Claim(
        source=named.source,
        file_name=named.file_name,
        sha256=picture.sha256,
        md5=picture.md5,
        phash64=full("phash64"),
        phash256=full("phash256"),
        width=picture.width,
        height=picture.height,
        meaning=defaults.meaning,
        claimant=defaults.claimant,
    )


def _counted(items: Iterable[Item], unit: str, total: int | None = None) -> Iterator[Item]:
    """Yield the items, and show progress."""
    from registry.cli._progress import Progress

    with Progress(unit) as progress:
        for done, item in enumerate(items):
            progress(done, total)
            yield item
