"""The `crawler` command: one file per sub-command, as in `registry.cli`.

Scrapy loads when a command needs it, not for `--help`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import click

from registry import __version__
from registry.cli import LateGroup
from registry.cli import run as run_process

SUMMARIES = {
    "events": "Show what changed from one visit to the next: marks and pictures.",
    "owners": "Serve the page for site owners: what the crawler is, and how to stop it.",
    "refuse": "Say which hosts are never visited.",
    "run": "Visit sites, and record their images and marks in the database.",
    "schedule": "Say which sites are visited again, and how often.",
    "status": "Show how the scheduled sites are, and who visits them.",
    "suspect": "Show visits that found too little, and accept them.",
    "worker": "Make the visits that are due, until it is stopped.",
    "sites": "List the spiders that `crawler run` can use.",
}


class _LateGroup(LateGroup):
    package: ClassVar[str] = "crawler.cli"
    summaries: ClassVar[Mapping[str, str]] = SUMMARIES


@click.command(cls=_LateGroup)
@click.version_option(__version__, prog_name="crawler")
def crawler() -> None:
    """Visit art sites politely, and record their images and marks."""


def main() -> None:
    """Entry point of the `crawler` command."""
    run_process(crawler, "crawler")
