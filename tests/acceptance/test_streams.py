"""Commands whose standard streams are closed or full: the right exit code, and no traceback."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import BIN
from PIL import Image

from demo.server import SampleSite

PICTURE = "picture.png"
STDERR_AWAY = ["2>&-", "<&- 2>&-", "2>/dev/full"]
CLOSED = "error: standard output is closed\nhint: redirect it to /dev/null to discard the output\n"
FULL = "error: standard output: No space left on device\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a list, a dataset, a picture and a snapshot."""
    made = tmp_path_factory.mktemp("streams")
    (made / "list.csv").write_text("url\nhttps://art.example/a.jpg\n")
    pq.write_table(pa.table({"url": ["https://art.example/a.jpg"]}), made / "set.parquet")
    Image.effect_mandelbrot((64, 64), (-2, -1, 1, 1), 50).save(made / PICTURE)
    return made


def run(
    folder: Path, redirection: str, *command: str, database: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command by a shell that redirects its streams."""
    return subprocess.run(
        ["sh", "-c", f'exec "$0" "$@" {redirection}', str(BIN / command[0]), *command[1:]],
        cwd=folder,
        env={
            "PATH": "/usr/bin:/bin",
            "REGISTRY_DATABASE_URL": database,
            "REGISTRY_HOME": str(folder / "home"),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("redirection", STDERR_AWAY)
def test_without_standard_error_commands_do_what_they_do(
    folder: Path, redirection: str, database_url: str
) -> None:
    done = {
        command: run(folder, redirection, *command.split(), database=database_url)
        for command in (
            "registry import list.csv",
            "registry snapshot build",
            "registry check set.parquet",
            f"registry hash {PICTURE}",
            "registry hash none.png",
            "registry nonsense",
        )
    }
    assert [one.returncode for one in done.values()] == [0, 0, 1, 0, 4, 2]
    assert "reserved               1" in done["registry check set.parquet"].stdout
    assert "sha256" in done[f"registry hash {PICTURE}"].stdout


@pytest.mark.parametrize("redirection", STDERR_AWAY)
def test_without_standard_error_a_crawl_goes_on(
    folder: Path, redirection: str, database_url: str, site: SampleSite
) -> None:
    crawl = ["crawler", "run", site.url, "--delay", "0", "--max-pages", "2"]
    done = run(folder, redirection, *crawl, database=database_url)
    assert done.returncode == 0
    assert "pages" in done.stdout


@pytest.mark.parametrize("command", ["hash -", "explain -", "explain --jsonl -"])
def test_closed_standard_input_is_an_error_where_it_is_read(folder: Path, command: str) -> None:
    done = run(folder, "<&-", "registry", *command.split())
    assert done.returncode == 4
    assert done.stderr.startswith("error: standard input is closed\nhint: ")


def test_closed_standard_input_is_none_elsewhere(folder: Path) -> None:
    assert run(folder, "<&-", "registry", "hash", PICTURE).returncode == 0


@pytest.mark.parametrize("command", ["registry agents", "crawler sites", "crawler --help"])
def test_an_answer_that_cannot_be_written_is_an_error(folder: Path, command: str) -> None:
    closed = run(folder, ">&-", *command.split())
    assert (closed.returncode, closed.stderr) == (4, CLOSED)
    full = run(folder, ">/dev/full", *command.split())
    assert full.returncode == 4
    assert full.stderr.startswith(("error: No space left on device\n", FULL))


@pytest.mark.parametrize("redirection", [">&- 2>&-", "<&- >&- 2>&-", ">/dev/full 2>/dev/full"])
def test_nobody_can_be_told(folder: Path, redirection: str) -> None:
    for command in ("registry agents", f"registry hash {PICTURE}", "crawler sites"):
        assert run(folder, redirection, *command.split()).returncode == 4, command


def test_files_do_not_take_the_numbers_of_closed_streams() -> None:
    code = (
        "from registry.terminal import settle; settle(); import os, sys;"
        "file = open('/dev/zero'); assert file.fileno() > 2;"
        "assert all(os.get_inheritable(n) for n in range(3)); print('x', file=sys.stderr)"
    )
    done = subprocess.run(
        ["sh", "-c", f'"{BIN}/python" -c "$0" <&- >&- 2>&-', code], check=False, timeout=60
    )
    assert done.returncode == 0
