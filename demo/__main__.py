"""`make demo`: visits, snapshot, check and lookup on this machine, with the installed commands.

Starts the embedded PostgreSQL, serves the sample art site on loopback, schedules it and
lets a worker visit it twice, before and after an artist marks a picture. Then it builds a
snapshot, checks a dataset and looks up that picture. The results are in `.demo/`; a second
run reuses them. PORT=N uses another port.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from demo.content import ROOT, SiteResponse
from demo.dataset import make_dataset
from demo.server import PortInUse, SampleSite
from registry.db.embedded import embedded_server
from registry.errors import RegistryError, UsageError

FOLDER = Path(".demo")
PORT = 8377
BIN = Path(sys.executable).parent
STEPS = 7
PICTURE = "pictures/tiger.jpg"
PAGE = "/works/tiger.html"
MARK = '<meta name="robots" content="noai, noimageai">'
# Holds the URL of the site whose artist has marked the picture.
MARKED = Path("marked")
# Exit code of `crawler worker --once`.
NOTHING_DUE = 1


def main() -> int:
    """Run the demo; return the exit code."""
    try:
        return demo(FOLDER.absolute(), _port())
    except PortInUse as error:
        hint = "stop the process that uses it, or use another port: make demo PORT=8400"
        print(f"error: {error.message}\nhint: {hint}", file=sys.stderr)
        return error.exit_code
    except RegistryError as error:
        print(f"error: {error.message}\nhint: {error.hint}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; `make demo` continues from here", file=sys.stderr)
        return 130


def demo(folder: Path, port: int) -> int:
    """Run all steps in order; stop at the first that fails."""
    folder.mkdir(exist_ok=True)
    os.environ["REGISTRY_HOME"] = str(folder / "home")
    # The demo never uses a registry of the user's own.
    os.environ.pop("REGISTRY_DATABASE_URL", None)
    os.chdir(folder)
    step(1, "start the embedded PostgreSQL")
    with embedded_server(folder / "home"), SampleSite(port=port) as site:
        visit_twice(site)
        step(4, "build a snapshot, if the database has changed")
        run("registry", "snapshot", "build", "--if-changed")
        make_inputs(site)
        step(5, "check a dataset against it")
        outputs = ("--out", "rows.parquet", "--report", "report.html")
        run("registry", "check", "dataset.parquet", *outputs, expect=(1,))
        step(6, "the same check, keeping only the clear rows")
        run(
            "registry",
            "check",
            "dataset.parquet",
            "--keep",
            "clear",
            "--out",
            "clean.parquet",
            "--json",
            expect=(1,),
            quiet=True,
        )
        step(7, "look up a half-size copy of a picture, found somewhere without its page")
        run("registry", "lookup", "copy.jpg")
    show_files()
    return 0


def visit_twice(site: SampleSite) -> None:
    """Visit the site before and after a picture is marked, and show what has changed.

    Once the picture is marked it stays so: later runs make only the visits that are due.
    """
    url = f"{site.url}/"
    marked_at = MARKED.read_text() if MARKED.exists() else ""
    if marked_at != url:
        remove_mark(site)
    step(2, f"schedule the sample art site, served on {site.url}, and let a worker visit it")
    if marked_at not in ("", url):
        # It was served on another port, and cannot be visited any more.
        run("crawler", "schedule", "remove", marked_at)
        MARKED.unlink()
    run("crawler", "schedule", "add", url, "--every", "1d", "--delay", "0.02")
    run("crawler", "worker", "--once", expect=(0, NOTHING_DUE))
    step(3, f"the artist marks {PAGE} after the first visit; the second one finds the mark")
    if marked_at != url:
        site.restore()
        run("crawler", "schedule", "run-now", url)
        # The visit is asked for: from here on it is made by this run or by the next one.
        MARKED.write_text(url)
        run("crawler", "worker", "--once")
        run("crawler", "events", "--since", "1d")
    run("registry", "history", f"{site.url}{PAGE}")


def remove_mark(site: SampleSite) -> None:
    """Serve the page as it was before the artist marked it, until `site.restore()`."""
    response = site.answer(site.hosts["site"], PAGE)
    assert isinstance(response, SiteResponse)
    site.replace(PAGE, response.body.replace(MARK.encode(), b""))


def make_inputs(site: SampleSite) -> None:
    """Write the dataset and the copied picture, unless they are there."""
    dataset = Path("dataset.parquet")
    if not dataset.exists():
        make_dataset(site.url, dataset, cdn_url=site.cdn_url, other_url=site.other_url)
    copy = Path("copy.jpg")
    if not copy.exists():
        from PIL import Image

        with Image.open(ROOT / "www" / PICTURE) as picture:
            half = picture.convert("RGB").resize((picture.width // 2, picture.height // 2))
            half.save(copy, quality=60)


def step(number: int, what: str) -> None:
    """Print the number and the name of a step."""
    print(f"\n[{number}/{STEPS}] {what}", flush=True)


def run(*command: str, expect: tuple[int, ...] = (0,), quiet: bool = False) -> None:
    """Print and run an installed command; raise if it fails."""
    print(f"$ {shlex.join(command)}", flush=True)
    started = time.monotonic()
    output = subprocess.DEVNULL if quiet else None
    code = subprocess.run([BIN / command[0], *command[1:]], stdout=output, check=False).returncode
    if code not in expect:
        raise UsageError(f"{command[0]} {command[1]} ended with {code}", "its message is above")
    print(f"({time.monotonic() - started:.1f} s)", flush=True)


def show_files() -> None:
    """Print the paths of the results."""
    files = {
        "report.html": "the report, for a browser",
        "rows.parquet": "every row with its outcome and the reason",
        "clean.parquet": "the rows that are clear, in the dataset's own columns",
        "dataset.parquet": "the dataset that was checked",
        "home": "the registry: database and snapshots",
    }
    print("\nFiles:")
    for name, what in files.items():
        print(f"  {Path(name).absolute()}  {what}")


def _port() -> int:
    text = os.environ.get("PORT", str(PORT))
    if not text.isdigit() or int(text) > 65535:
        raise UsageError(f"PORT={text} is not a port", "for example: make demo PORT=8400")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
