"""What an import did: counts, problems, the lines for people and the JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from registry.claims.files import TABLE_SUFFIXES
from registry.claims.rows import CONVERT
from registry.claims.tables import FIRST_SHOWN, Problems
from registry.terminal import say, say_error, show_json

if TYPE_CHECKING:
    from registry.datasets._left_out import SkippedFiles
    from registry.db.claim_batches import ImportCounts


@dataclass(slots=True)
class ImportResult:
    """The counts and problems of an import, and whether it was completed."""

    read: int = 0
    added: int = 0
    already: int = 0
    restored: int = 0
    unfit_pictures: int = 0
    problems: Problems = field(default_factory=Problems)
    unreadable: list[str] = field(default_factory=list)
    passed_over: tuple[SkippedFiles, ...] = ()
    started: bool = False
    complete: bool = False

    @property
    def exit_code(self) -> int:
        """4 if something was not imported, or may have been missed; else 0."""
        may_be_missed = any(one.reason for one in self.passed_over)
        return 4 if self.problems.bad_rows or self.unreadable or may_be_missed else 0

    def add(self, counts: ImportCounts) -> None:
        """Add the counts of one import."""
        self.read += counts.read
        self.added += counts.added
        self.already += counts.already
        self.restored += counts.restored


def say_unreadable(result: ImportResult, message: str, hint: str = "") -> None:
    """Count an unreadable file; show the first ones on stderr."""
    result.unreadable.append(message)
    if len(result.unreadable) <= FIRST_SHOWN:
        say_error(message, hint)


def report(result: ImportResult, as_json: bool) -> None:
    """Show the result on stderr, and as JSON on stdout if asked."""
    problems = result.problems
    for left_out in problems.left_out:
        say(f"skipped: {left_out.file}: {left_out.place}: {left_out.reason}")
    _say_passed_over(result.passed_over)
    _say_unknown(problems)
    say(_summary(result))
    if problems.not_utf8:
        say(f"hint: {problems.not_utf8:,} lines are not UTF-8; {CONVERT}")
    if not result.complete:
        say("not complete: imported rows are kept; run the same command again to complete it")
    if as_json:
        show_json(_counts(result))


def _say_passed_over(passed_over: Sequence[SkippedFiles]) -> None:
    for one in passed_over:
        may = "; they may hold claims" if one.reason else ""
        say(f"skipped: {one.count} ({', '.join(one.suffixes)}): {one.means}{may}")
    if any(one.reason for one in passed_over):
        say(
            f"hint: lists that are read end in {', '.join(TABLE_SUFFIXES)}: "
            "unpack archives, convert other files, rename hidden ones"
        )


def _say_unknown(problems: Problems) -> None:
    unknown = problems.unknown.listed()
    for one in unknown[:FIRST_SHOWN]:
        meant = f"; did you mean {one.did_you_mean}?" if one.did_you_mean else ""
        others = f" and {one.files - 1:,} more" if one.files > 1 else ""
        say(f"unknown column ignored: {one.column or '(no name)'} in {one.file}{others}{meant}")
    if len(unknown) > FIRST_SHOWN:
        more = "many" if problems.unknown.are_more else f"{len(unknown) - FIRST_SHOWN}"
        say(f"unknown columns ignored: {more} more (--json lists them)")


def _counts(result: ImportResult) -> dict[str, object]:
    """Return the counts as `--json` prints them."""
    return {
        "complete": result.complete,
        "read": result.read,
        "added": result.added,
        "already": result.already,
        "restored": result.restored,
        "rows_read": result.problems.rows_read,
        "bad_rows": result.problems.bad_rows,
        "left_out": [left_out._asdict() for left_out in result.problems.left_out],
        "unknown_columns": [asdict(one) for one in result.problems.unknown.listed()],
        "flat_hashes_left_out": result.problems.flat_hashes,
        "unreadable_files": len(result.unreadable),
        "unfit_pictures": result.unfit_pictures,
        "passed_over": [
            {**one.to_json(), "may_hold_entries": one.reason is not None}
            for one in result.passed_over
        ],
    }


def _summary(result: ImportResult) -> str:
    parts = [f"{result.added:,} claims added", f"{result.already:,} already known"]
    if result.problems.rows_read or not (result.read or result.unreadable):
        parts.insert(0, f"{result.problems.rows_read:,} rows read")
    for count, words in (
        (result.restored, "withdrawn claims restored"),
        (result.problems.bad_rows, "rows skipped"),
        (result.problems.flat_hashes, "hashes of flat pictures ignored"),
        (len(result.unreadable), "files unreadable"),
        (result.unfit_pictures, "pictures without enough structure, registered by digest only"),
    ):
        if count:
            parts.append(f"{count:,} {words}")
    return ", ".join(parts)
