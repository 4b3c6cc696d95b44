"""`registry import`: load lists of entries, or register pictures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import click

from registry.claims.files import FIRST_SHOWN, TABLE_SUFFIXES, Problems, is_table, read_claims
from registry.claims.lines import CONVERT
from registry.claims.rows import checked_line
from registry.errors import UnreadableInput, UsageError
from registry.model import Claim, Meaning, Picture
from registry.terminal import say, say_error, show_json
from registry.text import visible

if TYPE_CHECKING:
    import psycopg

    from registry.datasets._left_out import LeftOut
    from registry.db.claims import ImportCounts

MEANINGS = click.Choice(["reserved", "conditional", "allowed"])
Item = TypeVar("Item")


class Named(NamedTuple):
    """A file to import, the source its claims name, and its name in the folder that was named."""

    path: Path
    source: str
    file_name: str


@dataclass(slots=True)
class Defaults:
    """What the options say for rows that are silent."""

    source: str | None
    meaning: Meaning
    claimant: str | None


@dataclass(slots=True)
class Tally:
    """What became of everything that was read, and whether it was read to the end."""

    read: int = 0
    added: int = 0
    already: int = 0
    restored: int = 0
    unfit_pictures: int = 0
    problems: Problems = field(default_factory=Problems)
    unreadable: list[str] = field(default_factory=list)
    passed_over: tuple[LeftOut, ...] = ()
    started: bool = False
    complete: bool = False

    @property
    def exit_code(self) -> int:
        """Return 4 where something was, or may have been, lost; else 0."""
        may_be_lost = any(one.reason for one in self.passed_over)
        return 4 if self.problems.bad_rows or self.unreadable or may_be_lost else 0

    def add(self, counts: ImportCounts) -> None:
        """Add the counts of one import."""
        self.read += counts.read
        self.added += counts.added
        self.already += counts.already
        self.restored += counts.restored


def _line(_: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Return the text of an option as a list may hold it."""
    try:
        return None if value is None else checked_line(value)
    except ValueError as error:
        raise UsageError(f"--{option.name} {value!r}: {error} is needed") from None


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE|FOLDER..."
)
@click.option(
    "--source",
    callback=_line,
    help="Where the entries come from.  [default: the file's or folder's name]",
)
@click.option(
    "--meaning", type=MEANINGS, default="reserved", show_default=True, help="What they say."
)
@click.option("--claimant", callback=_line, help="Who says so.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def command(
    paths: tuple[Path, ...],
    source: str | None,
    meaning: Meaning,
    claimant: str | None,
    as_json: bool,
) -> int:
    """Load lists of entries, or register pictures.

    A list is a CSV, TSV, JSON lines or Parquet file with columns named url,
    page_url, site, path_pattern, sha256, md5, phash64, phash256, width, height,
    meaning, use, signal, evidence, observed_at, source, claimant, licence_url;
    each row needs one of url, sha256, md5, phash64, site. Names may be in
    any case, with blanks or hyphens (SHA-256). Columns of other names are
    not taken and named once. Options fill in what a row leaves empty.
    Pictures are fingerprinted and not stored; the name of their file is
    kept. Folders are searched for both, hidden ones aside; other files there
    are passed over and named by kind and number. Importing the same again adds nothing; a
    withdrawn entry stands again.

    Text is UTF-8. A row that cannot be read, or has fewer or more fields than
    the first line, is left out and named with its line; the others are loaded.

    \b
    Exit codes: 0 all was loaded; 4 some could not be read, or files passed over
    may hold entries (the rest was loaded).

    \b
    Example:
      registry import --source "artists' list" optouts.csv paintings/
    """
    from registry.db.connect import connect

    tables, pictures, passed_over = _sorted_out(paths, source)
    tally = Tally(passed_over=passed_over)
    try:
        with connect() as conn:
            tally.started = True
            for table in tables:
                _import_table(conn, table, Defaults(source, meaning, claimant), tally)
            _import_pictures(conn, pictures, Defaults(source, meaning, claimant), tally)
        tally.complete = True
    finally:
        # Whatever ends an import, what it has stored by then is said.
        if tally.started:
            _report(tally, as_json)
    return tally.exit_code


def _sorted_out(
    paths: Iterable[Path], source: str | None
) -> tuple[list[Named], list[Named], tuple[LeftOut, ...]]:
    """Return the tables and the pictures among files and folders, and what is neither.

    Raises UnreadableInput before any work.
    """
    from registry.datasets._left_out import PICTURES, is_picture, passed_over

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
            known = ", ".join([*TABLE_SUFFIXES, *sorted(PICTURES)])
            aside = " but hidden lists" if _hidden_lists(path) else ""
            hint = f"what is read ends in {known} and is not hidden"
            raise UnreadableInput(f"{path}: nothing to import{aside}", hint)
        for file in taken:
            kept = tables if is_table(file) else pictures
            kept.append(Named(file, named, _name_in(path, file)))
        others += sorted(set(files).difference(taken))
        hidden += _hidden_lists(path)
    read = [picture.path for picture in pictures]
    return tables, pictures, passed_over(others, read, hidden)


def _name_in(named: Path, file: Path) -> str:
    """Return where a file lies below the folder that was named, or a named file's own name."""
    name = file.name if file == named else file.relative_to(named).as_posix()
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _files(path: Path) -> list[Path]:
    from registry.datasets import files_in

    return files_in(path) if path.is_dir() else [path]


def _hidden_lists(path: Path) -> list[Path]:
    from registry.datasets import hidden_files_in

    return [file for file in hidden_files_in(path) if is_table(file)] if path.is_dir() else []


def _import_table(conn: psycopg.Connection, table: Named, defaults: Defaults, tally: Tally) -> None:
    from registry.db.claims import import_claims

    claims = read_claims(
        table.path,
        table.source,
        tally.problems,
        meaning=defaults.meaning,
        claimant=defaults.claimant,
    )
    try:
        import_claims(conn, _counted(claims, "rows"), on_batch=tally.add)
    except UnreadableInput as error:
        _say_unreadable(tally, error.message, error.hint)


def _import_pictures(
    conn: psycopg.Connection, pictures: list[Named], defaults: Defaults, tally: Tally
) -> None:
    from registry.db.claims import import_pictures

    if pictures:
        claimed = _claimed(pictures, defaults, tally)
        counted = _counted(claimed, "pictures", len(pictures))
        import_pictures(conn, counted, on_batch=tally.add)


def _claimed(
    pictures: list[Named], defaults: Defaults, tally: Tally
) -> Iterator[tuple[Picture, Claim]]:
    """Yield each readable picture with the claim about it; report the others."""
    from registry.pictures.files import read_pictures
    from registry.pictures.reading import Unread

    files = {named.path: named for named in pictures}
    for path, found in read_pictures(list(files)):
        if isinstance(found, Unread):
            _say_unreadable(tally, found.message, found.hint)
            continue
        tally.unfit_pictures += found.unfit is not None
        yield found, _claim(found, files[path], defaults)


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
    """Pass items on and show how many have passed."""
    from registry.cli._progress import Progress

    with Progress(unit) as progress:
        for done, item in enumerate(items):
            progress(done, total)
            yield item


def _say_unreadable(tally: Tally, message: str, hint: str = "") -> None:
    tally.unreadable.append(message)
    if len(tally.unreadable) <= FIRST_SHOWN:
        say_error(message, hint)


def _report(tally: Tally, as_json: bool) -> None:
    problems = tally.problems
    for left_out in problems.left_out:
        say(f"left out: {left_out.file}: {left_out.place}: {left_out.reason}")
    _say_passed_over(tally.passed_over)
    _say_unknown(problems)
    say(_summary(tally))
    if problems.not_utf8:
        say(f"hint: {problems.not_utf8:,} lines are not UTF-8; {CONVERT}")
    if not tally.complete:
        say("not complete: what was loaded stays; the same command completes it")
    if as_json:
        show_json(_counts(tally))


def _say_passed_over(passed_over: Sequence[LeftOut]) -> None:
    for one in passed_over:
        may = "; they may hold entries" if one.reason else ""
        say(f"passed over: {one.count} ({', '.join(one.suffixes)}): {one.means}{may}")
    if any(one.reason for one in passed_over):
        say(
            f"hint: lists that are read end in {', '.join(TABLE_SUFFIXES)}: "
            "unpack archives, convert others, rename hidden ones"
        )


def _say_unknown(problems: Problems) -> None:
    unknown = problems.unknown.listed()
    for one in unknown[:FIRST_SHOWN]:
        meant = f"; did you mean {one.did_you_mean}?" if one.did_you_mean else ""
        others = f" and {one.files - 1:,} more" if one.files > 1 else ""
        say(f"unknown column, not taken: {one.column or '(no name)'} in {one.file}{others}{meant}")
    if len(unknown) > FIRST_SHOWN:
        more = "many" if problems.unknown.are_more else f"{len(unknown) - FIRST_SHOWN}"
        say(f"unknown columns, not taken: {more} more (--json names them)")


def _counts(tally: Tally) -> dict[str, object]:
    """Return the counts as `--json` prints them."""
    return {
        "complete": tally.complete,
        "read": tally.read,
        "added": tally.added,
        "already": tally.already,
        "restored": tally.restored,
        "rows_read": tally.problems.rows_read,
        "bad_rows": tally.problems.bad_rows,
        "left_out": [left_out._asdict() for left_out in tally.problems.left_out],
        "unknown_columns": [asdict(one) for one in tally.problems.unknown.listed()],
        "flat_hashes_left_out": tally.problems.flat_hashes,
        "unreadable_files": len(tally.unreadable),
        "unfit_pictures": tally.unfit_pictures,
        "passed_over": [
            {**one.to_json(), "may_hold_entries": one.reason is not None}
            for one in tally.passed_over
        ],
    }


def _summary(tally: Tally) -> str:
    parts = [f"{tally.added:,} entries added", f"{tally.already:,} known already"]
    if tally.problems.rows_read:
        parts.insert(0, f"{tally.problems.rows_read:,} rows read")
    for count, words in (
        (tally.restored, "withdrawn entries stand again"),
        (tally.problems.bad_rows, "rows left out"),
        (tally.problems.flat_hashes, "hashes of flat pictures left out of their rows"),
        (len(tally.unreadable), "files unreadable"),
        (tally.unfit_pictures, "pictures without structure, registered by digest only"),
    ):
        if count:
            parts.append(f"{count:,} {words}")
    return ", ".join(parts)
