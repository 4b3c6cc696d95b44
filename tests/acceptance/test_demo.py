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


def test_twice_and_nothing_is_left_running(folder: Path):
    port = free_port()
    outputs, told = [], []
    for _ in range(2):
        process = demo(folder, port)
        output, errors = process.communicate(timeout=200)
        assert process.returncode == 0, output + errors
        assert gone(folder), processes_of(folder)
        outputs.append(output)
        told.append(errors)
    first, second = outputs
    page = f"http://127.0.0.1:{port}/works/tiger.html"
    appeared = f"noai, noimageai: {MARK}  at {page}"
    assert f"127.0.0.1:{port}  mark appeared     {appeared}" in first  # crawler events
    for output in outputs:
        history = output.partition(f"$ registry history {page}")[2].partition("\n[")[0]
        dates = re.findall(rf"(\S+ \S+)  mark appeared  {re.escape(appeared)}", history)
        assert len(dates) == 2  # of both sizes of the picture that the page shows
        assert "removed" not in history  # the mark is still there at the second run
        assert re.search(r"^  reserved +28 ", output, re.MULTILINE)
        assert "copy.jpg (picture): reserved" in output
    # The visits are not repeated on the same day, nor the snapshot, as nothing has changed.
    assert [errors.count("visiting ") for errors in told] == [2, 0]
    assert "nothing is due" in told[1]
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
    process = demo(folder, port)
    output, errors = process.communicate(timeout=200)
    assert process.returncode == 0, output + errors
    assert gone(folder)
    assert output.count("$ crawler schedule remove ") == 1
    assert f"mark appeared  noai, noimageai: {MARK}  at http://127.0.0.1:{port}/" in output


@pytest.mark.parametrize("visit", [1, 2])
def test_interrupted_in_a_visit_it_goes_on_from_there(visit: int):
    with open_folder("demo-cut-") as folder:
        port = free_port()
        process = demo(folder, port, start_new_session=True)
        lines = (line for line in process.stdout if line.startswith("$ crawler worker"))
        for _ in range(visit):
            assert next(lines)
        time.sleep(2)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130, errors
        assert "Traceback" not in errors
        assert gone(folder), processes_of(folder)
        again = demo(folder, port)
        output, errors = again.communicate(timeout=200)
        assert again.returncode == 0, output + errors
        assert gone(folder)
        assert f"(visit {visit}, resumed)" in errors
        assert "(visit 3" not in errors
        assert output.count(f"mark appeared  noai, noimageai: {MARK}  at ") == 2
