"""`import registry` for programs: the examples in its docstrings and in docs/python.md."""

import doctest
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import Made

import registry

ROOT = Path(__file__).parents[2]
FUNCTIONS = ("read", "decide", "fingerprint", "open_snapshot", "check", "lookup")
MARKED, FREE = "https://a.example/1.jpg", "https://a.example/2.jpg"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The files that the examples name, in the working folder."""
    made = Made()
    made.observe(MARKED, [made.headers("noai", url=MARKED)])
    made.snapshot(tmp_path).path.rename(tmp_path / "snapshot")
    pq.write_table(pa.table({"url": [MARKED, FREE]}), tmp_path / "dataset.parquet")
    shutil.copy(ROOT / "demo/site/www/pictures/cat.jpg", tmp_path / "cat.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", FUNCTIONS)
def test_examples(folder, name):
    function = getattr(registry, name)
    finder = doctest.DocTestFinder(recurse=False)
    (example,) = finder.find(function, name, globs={"registry": registry})
    assert 2 <= len(example.examples) <= 5, "a docstring shows its use in a few lines"
    assert doctest.DocTestRunner(optionflags=FLAGS).run(example).failed == 0


def test_the_page_shows_what_is_so(folder):
    page = str(ROOT / "docs/python.md")
    result = doctest.testfile(page, module_relative=False, optionflags=FLAGS, encoding="utf-8")
    assert result.attempted > 8
    assert result.failed == 0


def test_functions_stay_functions(folder):
    """Loading a room must not put a module in the place of a function of its name."""
    snapshot = registry.open_snapshot("snapshot")
    for _ in range(2):
        assert registry.check(["dataset.parquet"], snapshot).exit_code == 1
        assert registry.lookup(MARKED, snapshot).decision == "reserved"
    assert all(callable(getattr(registry, name)) for name in FUNCTIONS)


def test_without_a_snapshot_it_is_the_newest_that_was_built_here(folder, monkeypatch):
    monkeypatch.setenv("REGISTRY_HOME", str(folder / "home"))
    rows = [{"url": MARKED}, {"url": FREE}]
    for ask in (
        lambda: registry.check("dataset.parquet"),
        lambda: registry.guard(rows),
        lambda: registry.lookup(MARKED),
    ):
        with pytest.raises(registry.errors.UnreadableSnapshot, match="no snapshot was built here"):
            ask()
    shutil.copytree("snapshot", "home/snapshots/000001")
    Path("home/snapshots/CURRENT").write_text("000001")
    assert registry.check("dataset.parquet").exit_code == 1
    assert list(registry.guard(rows)) == rows[1:]
    assert registry.lookup(MARKED).decision == "reserved"
    assert registry.check("dataset.parquet", "snapshot").exit_code == 1


def test_a_check_writes_what_the_command_writes(folder):
    files = {"out": "kept.parquet", "removal": "removal.txt", "indices": "kept.npy"}
    registry.check("dataset.parquet", "snapshot", keep=["clear"], **files)
    assert pq.read_table("kept.parquet")["url"].to_pylist() == [FREE]
    assert Path("removal.txt").read_text() == "0\n"
    assert np.load("kept.npy").tolist() == [1]


def test_importing_it_loads_nothing_else():
    code = "import sys, registry; print(*sorted(n for n in sys.modules if n[:9] == 'registry.'))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == ["registry.errors"]
