"""What commands that plan visits share: durations, and the options of a visit."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from registry.cli._path import NamedPath

if TYPE_CHECKING:
    from crawler.options import Options

# The web page or mail address that is sent to sites.
CONTACT = "CRAWLER_CONTACT"
# The folder of WARC files, if `--warc` is not given.
WARC = "REGISTRY_WARC"


class Duration(click.ParamType[timedelta]):
    """A number and a unit: 30m, 12h, 7d."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return a text such as `12h` as a timedelta. Fails with a usage error for any other."""
        from crawler.schedule.durations import duration

        try:
            return duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Seconds(click.FloatRange):
    """A number of seconds in a range; `nan`, which every range would contain, is none."""

    name = "seconds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number. Fails with a usage error."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no number of seconds", param, ctx)
        return number


_OPTIONS = (
    click.option(
        "--max-pages",
        default=500,
        show_default=True,
        type=click.IntRange(1),
        help="Most pages to read.",
    ),
    click.option(
        "--max-depth",
        default=10,
        show_default=True,
        type=click.IntRange(0),
        help="Most links to follow from the start page to a page.",
    ),
    click.option(
        "--max-images",
        default=5000,
        show_default=True,
        type=click.IntRange(0),
        help="Most images to fetch.",
    ),
    click.option(
        "--max-seconds",
        default=3600.0,
        show_default=True,
        type=Seconds(0, min_open=True),
        help="Most seconds that a visit may take.",
    ),
    click.option(
        "--max-bytes",
        default=50 * 1024 * 1024,
        show_default=True,
        type=click.IntRange(1),
        help="Most bytes of an image file; larger ones are refused.",
    ),
    click.option(
        "--delay",
        default=1.0,
        show_default=True,
        type=Seconds(0, 3600),
        help="Minimum seconds between two requests to the same host; slow hosts get more.",
    ),
    click.option(
        "--timeout",
        default=30.0,
        show_default=True,
        type=Seconds(0, 3600, min_open=True),
        help="Most seconds that one download may take.",
    ),
    click.option(
        "--private",
        is_flag=True,
        help="Allow start URLs whose host resolves to a private address.",
    ),
)


def visit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a visit to a command; they arrive as keyword arguments."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def warc_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--warc` to a command; it arrives as the path `warc`, None if it is not given."""
    return click.option(
        "--warc",
        metavar="DIR",
        envvar=WARC,
        type=NamedPath(),
        help="Write responses with marks to WARC files in this folder; REGISTRY_WARC is the same.",
    )(command)


def warc_folder(warc: Path | None) -> Path | None:
    """Create the folder of `--warc`; return its absolute path. Raises UnwritableOutput."""
    from crawler.warc.writer import writable_folder

    return None if warc is None else writable_folder(warc)


def options_from(values: Mapping[str, Any], *, verbose: bool = False) -> Options:
    """Return the options of a visit from a command's arguments."""
    from crawler.options import Options

    return Options.of(values, contact=os.environ.get(CONTACT), verbose=verbose)
