"""The options of `registry check` for files about its result, and how they are written."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from registry.cli._path import NamedPath

if TYPE_CHECKING:
    from registry.checking.columns import Columns
    from registry.checking.report import Report
    from registry.datasets import Dataset

PAGES, WORDS = (".html", ".htm"), (".md", ".markdown")
# By option: the endings of the names that it takes, what it writes, and the hint for another name.
ENDINGS = {
    "--report": (
        (*PAGES, *WORDS, ".json"),
        "a web page, Markdown or JSON is written",
        "name an .html, .md or .json file",
    ),
    "--ai-act": ((".json",), "JSON is written", "name a .json file"),
    "--croissant": ((".json", ".jsonld"), "JSON is written", "name a .json file"),
}


@dataclass(frozen=True, slots=True)
class Summaries:
    """The files that are to be written about the result; None: not."""

    reports: tuple[Path, ...] = ()
    ai_act: Path | None = None
    croissant: Path | None = None

    @property
    def files(self) -> list[tuple[str, Path | None]]:
        """The options, each with its file."""
        reports = [("--report", report) for report in self.reports]
        return [*reports, ("--ai-act", self.ai_act), ("--croissant", self.croissant)]

    @property
    def wants_samples(self) -> bool:
        """Whether rows of every mark are shown with their pictures."""
        return any(report.suffix.lower() in PAGES for report in self.reports)

    def write(self, report: Report, dataset: Dataset, columns: Columns) -> None:
        """Write the files. Raises UnwritableOutput."""
        from registry.durable import write_text

        for path in self.reports:
            write_text(path, _report(path, report, dataset, columns))
        if self.ai_act:
            from registry.checking.reports.ai_act import to_ai_act

            write_text(self.ai_act, _json(to_ai_act(report)))
        if self.croissant:
            from registry.checking.contents import contents
            from registry.checking.reports.croissant import to_croissant

            described = to_croissant(report, contents(dataset, columns, self.croissant))
            write_text(self.croissant, _json(described))


def summary_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them together as `summaries`."""

    @click.option(
        "--report",
        type=NamedPath(),
        multiple=True,
        help="Write a report to this file: a web page (.html), Markdown (.md) or JSON (.json). "
        "Repeatable.",
    )
    @click.option(
        "--ai-act",
        type=NamedPath(),
        help="Write what a check knows for the public summary of training content (AI Act, "
        "article 53(1)(d)) to this .json file.",
    )
    @click.option(
        "--croissant",
        type=NamedPath(),
        help="Write a description of the dataset in Croissant (JSON-LD), with the result, to this "
        ".json file. Files of the dataset are read again for their digests.",
    )
    @functools.wraps(command)
    def wrapped(
        report: tuple[Path, ...], ai_act: Path | None, croissant: Path | None, **others: Any
    ) -> Any:
        return command(summaries=Summaries(report, ai_act, croissant), **others)

    return wrapped


def _report(path: Path, report: Report, dataset: Dataset, columns: Columns) -> str:
    if path.suffix.lower() in WORDS:
        from registry.checking.reports.markdown import to_markdown

        return to_markdown(report)
    if path.suffix.lower() in PAGES:
        from registry.checking.page import to_html
        from registry.checking.sample_pictures import sample_pictures

        return to_html(report, sample_pictures(dataset, columns, report))
    return _json(report.to_json())


def _json(values: Any) -> str:
    return json.dumps(values, indent=2, ensure_ascii=True) + "\n"
