"""Fingerprinting in worker processes: files that crash or stop a worker cost themselves only."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from crawler.picture_pool import FileRead, PicturePool
from registry.fingerprints import fingerprint
from registry.model import Picture
from registry.signals import read

CAT = Path("demo/site/www/pictures/cat.jpg")


def fragile(data: bytes, url: str) -> FileRead:
    """A reader that does as the file says."""
    if data == b"crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if data == b"hang":
        time.sleep(60)
    if data == b"broken":
        return FileRead(refusal="broken")
    return FileRead(Picture(data.hex(), "", 1, 1, "png", len(data)))


def read_all(pool: PicturePool, files: list[bytes]) -> list[FileRead]:
    async def gathered() -> list[FileRead]:
        try:
            return await asyncio.gather(*map(pool.read, files))
        finally:
            pool.close()

    return asyncio.run(gathered())


def test_the_pool_fingerprints() -> None:
    data = CAT.read_bytes()
    assert read_all(PicturePool(1), [data, b"", b"text"]) == [
        FileRead(fingerprint(data)),
        FileRead(refusal="empty"),
        FileRead(refusal="not-an-image"),
    ]


def test_marks_in_the_file_are_read_even_where_the_picture_is_broken() -> None:
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/'
        b'22-rdf-syntax-ns#"><rdf:Description xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/"'
        b' plus:DataMining="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"/></rdf:RDF></x:xmpmeta>'
    )
    body = b"http://ns.adobe.com/xap/1.0/\x00" + packet
    data = b"\xff\xd8\xff\xe1" + (len(body) + 2).to_bytes(2) + body + b"\xff\xd9"
    (found,) = read_all(PicturePool(1), [data])
    assert found.picture is None
    assert found.refusal == "broken"
    (evidence,) = found.evidence
    assert [signal.name for signal in read(evidence).signals] == ["plus:DMI-PROHIBITED"]


def test_a_bad_file_costs_itself_only() -> None:
    files = [b"a", b"crash", b"b", b"hang", b"broken", b"c"]
    found = read_all(PicturePool(2, seconds=1.5, reader=fragile), files)
    words = [
        bytes.fromhex(answer.picture.sha256) if answer.picture else answer.refusal
        for answer in found
    ]
    assert words == [b"a", "crashed", b"b", "timeout", "broken", b"c"]


def test_workers_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import asyncio, os, signal\n"
        "from crawler.picture_pool import PicturePool\n"
        "async def main():\n"
        "    pool = PicturePool(1)\n"
        "    await pool.read(b'')\n"
        "    print(*pool._pools[0]._processes, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    ended = subprocess.run(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, timeout=60, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    (worker,) = map(int, ended.stdout.split())
    deadline = time.monotonic() + 20
    while Path(f"/proc/{worker}/cmdline").exists() and time.monotonic() < deadline:
        # A zombie that nobody reaps has no command line left.
        if not Path(f"/proc/{worker}/cmdline").read_bytes():
            break
        time.sleep(0.05)
    else:
        assert time.monotonic() < deadline
