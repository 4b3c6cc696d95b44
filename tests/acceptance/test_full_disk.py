"""The embedded database on a disk that is full, or becomes full: the error names the disk."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from conftest import BIN
from servers import open_folder

# The disk is one of its own, in memory, that ends with the shell.
DISK = 'mount -t tmpfs -o mode=755,size="$0" none "$1" || exit 77; '
TO_FILL = '"$2" stats >/dev/null && dd if=/dev/zero of="$1/fill" bs=4k 2>/dev/null; '


@pytest.mark.parametrize(
    ("size", "script", "said"),
    [
        ("5M", '"$2" stats', "could not be created: initdb: the disk is full ("),
        ("43M", '"$2" stats', "could not be created: postgres: the disk is full ("),
        ("100M", TO_FILL + '"$2" stats', "did not start: the disk is full"),
    ],
    ids=["initdb", "first start", "later"],
)
def test_a_full_disk_is_named(size: str, script: str, said: str) -> None:
    with open_folder("optout-full-") as folder:
        done = on_disk(folder, size, script)
    assert done.returncode == 3, done.stderr
    error, hint = done.stderr.splitlines()
    assert error.startswith(f"error: the embedded PostgreSQL {said}")
    assert hint == f"hint: free space in {folder / 'home/postgres'}"


def test_a_disk_that_becomes_full_is_named(tmp_path: Path) -> None:
    urls = (f"https://art.example/{n}/{'a' * 50}.jpg\n" for n in range(150_000))
    (tmp_path / "list.csv").write_text("url\n" + "".join(urls))
    with open_folder("optout-full-") as folder:
        done = on_disk(folder, "60M", f'"$2" import {tmp_path}/list.csv')
    assert done.returncode == 3, done.stderr
    assert "has no space left: could not " in done.stderr
    assert f"\nhint: free space in {folder / 'home/postgres'}\n" in done.stderr


def on_disk(folder: Path, size: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script with a disk of a size at the folder, where its database is kept."""
    shell = ["sh", "-c", DISK + script, size, str(folder), str(BIN / "registry")]
    done = subprocess.run(
        ["unshare", "--mount", *shell],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "REGISTRY_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        # A server in recovery missed its shutdown, and was waited for another minute.
        timeout=45,
        check=False,
    )
    if done.returncode in (1, 77, 127) and "error: " not in done.stderr:
        pytest.skip(f"no disk of its own can be mounted here: {done.stderr.strip()}")
    return done
