"""`make demo` as a newcomer runs it: whole, quick the second time, and gone when it ends."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from conftest import open_folder

ROOT = Path(__file__).parents[2]
MARK = '<meta name="robots" content="noai, noimageai">'


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with open_folder("demo-") as made:
        yield made


def demo(folder: Path, port: int, **kwargs: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PORT": str(port), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "demo"]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True, **kwargs
    )


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of processes that have to do with the folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = [*(process.info["cmdline"] or []), process.info["cwd"] or ""]
        if any(str(folder) in word for word in words):
            found.append(" ".join(words))
    return found


def gone(folder: Path) -> bool:
    deadline = time.monotonic() + 15
    while processes_of(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not processes_of(folder)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def interrupted_in(visit: int, folder: Path, port: int) -> str:
    """Run it until it makes a visit; return what it told."""
    process = demo(folder, port, start_new_session=True)
    assert process.stdout is not None
    lines = (line for line in process.stdout if line.startswith("$ crawler worker"))
    for _ in range(visit):
        assert next(lines)
    time.sleep(2)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert gone(folder), processes_of(folder)
    return errors


def finished(folder: Path, port: int) -> tuple[str, str]:
    """Run it to its end; return its output and what it told."""
    process = demo(folder, port)
    output, errors = process.communicate(timeout=200)
    assert process.returncode == 0, output + errors
    assert gone(folder), processes_of(folder)
    return output, errors


def test_interrupted_it_goes_on_and_then_repeats_nothing(folder: Path):
    port = free_port()
    told = interrupted_in(2, folder, port)
    first, errors = finished(folder, port)
    second, nothing_new = finished(folder, port)
    assert "(visit 2, resumed)" in errors
    page = f"http://127.0.0.1:{port}/works/tiger.html"
    appeared = f"noai, noimageai: {MARK}  at {page}"
    for output in (first, second):
        history = output.partition(f"$ registry history {page}")[2].partition("\n[")[0]
        dates = re.findall(rf"(\S+ \S+)  mark appeared  {re.escape(appeared)}", history)
        assert len(dates) == 2  # of both sizes of the picture that the page shows
        assert "removed" not in history  # the mark is still there at the second run
        assert re.search(r"^  reserved +28 ", output, re.MULTILINE)
        assert "copy.jpg (picture): reserved" in output
    # The visits are not repeated on the same day, nor the snapshot, as nothing has changed.
    assert "(visit 3" not in told + errors + nothing_new
    assert "visiting " not in nothing_new
    assert "nothing is due" in nothing_new
    assert "snapshot 1 of" in second
    listed = [
        line.split()[0] for line in second.partition("Files:")[2].splitlines() if line.strip()
    ]
    assert all(Path(path).exists() for path in listed)
    assert len(listed) == 5


def test_a_port_in_use_says_what_to_do(folder: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = demo(folder, taken.getsockname()[1])
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "PORT=" in errors
    assert "Traceback" not in errors
    assert gone(folder)


def test_another_port_is_another_site(folder: Path):
    """The site of the first port is not served any more, and its visits would fail."""
    port = free_port()
    output, errors = finished(folder, port)
    assert errors.count("visiting ") == 2
    assert output.count("$ crawler schedule remove ") == 1
    told = f"noai, noimageai: {MARK}  at http://127.0.0.1:{port}/works/tiger.html"
    assert f"127.0.0.1:{port}  mark appeared     {told}" in output  # crawler events
    assert f"mark appeared  {told}" in output  # registry history
