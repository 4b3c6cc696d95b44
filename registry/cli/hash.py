"""`registry hash`: digests and fingerprints of image files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry.errors import UnreadableInput
from registry.terminal import say, say_error, show, show_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from registry.model import Picture
    from registry.pictures.files import PictureReader

STDIN = "standard input"
UNFIT = {
    "flat": "too little structure: its fingerprint would match unrelated pictures",
    "too-small": "too few pixels for a fingerprint",
}


@click.command(name="hash")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per file.")
def command(files: tuple[str, ...], as_json: bool) -> int:
    """Print digests and fingerprints of image files.

    `-` is standard input, of which at most 512 MiB are read.

    For each file that cannot be read, the reason is printed on standard error; the
    other files are hashed, and the exit code is 4. A file that takes more than
    60 seconds or 3 GiB of memory counts as unreadable.

    Example: registry hash --json picture.jpg
    """
    from registry.pictures.files import PictureReader

    with PictureReader() as reader:
        return _print_all(reader, files, as_json)


def _print_all(reader: PictureReader, files: Sequence[str], as_json: bool) -> int:
    """Print the hashes or the error of every file, and return the exit code."""
    hints: dict[str, None] = {}
    code = 0
    for name in files:
        try:
            picture = _picture(reader, name)
        except UnreadableInput as error:
            say_error(error.message)
            hints[error.hint] = None
            code = error.exit_code
        else:
            if as_json:
                show_json(_as_json(name, picture))
            else:
                show(*_as_text(name, picture))
    for hint in filter(None, hints):
        say(f"hint: {hint}")
    return code


def _picture(reader: PictureReader, name: str) -> Picture:
    if name != "-":
        return reader.file(Path(name))
    from registry.files import read_stream, standard_input

    content = read_stream(standard_input(), STDIN)
    try:
        return reader.data(content)
    except UnreadableInput as error:
        raise UnreadableInput(f"{STDIN}: {error.message}", error.hint) from error


def _as_json(name: str, picture: Picture) -> dict[str, object]:
    return {
        "file": name,
        "sha256": picture.sha256,
        "md5": picture.md5,
        "width": picture.width,
        "height": picture.height,
        "fingerprints": picture.fingerprints,
        "unfit": picture.unfit,
    }


def _as_text(name: str, picture: Picture) -> list[str]:
    rows = [
        ("sha256", picture.sha256),
        ("md5", picture.md5),
        (
            "picture",
            f"{picture.width} x {picture.height}, {picture.format}, {picture.size:,} bytes",
        ),
        *(
            (algorithm if view == "full" else f"{algorithm} {view}", bits)
            for algorithm, views in picture.fingerprints.items()
            for view, bits in views.items()
        ),
    ]
    if picture.unfit:
        rows.append(("unfit", f"{picture.unfit}: {UNFIT[picture.unfit]}"))
    width = max(len(label) for label, _ in rows)
    lines = [f"  {label:{width}}  {value}" for label, value in rows]
    return [click.format_filename(name), *lines]
