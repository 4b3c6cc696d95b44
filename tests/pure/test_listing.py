"""Lists of files: the order of paths, every file once, whatever the names."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.datasets import files_in, hidden_files_in, listing
from registry.datasets.listing import Listing, listed_once, listing_of
from registry.errors import UnreadableDataset

NAMES = st.text(st.sampled_from("ab.-0\n é\udce9"), min_size=1, max_size=4)
PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=3).map("/".join), max_size=25)


def made(folder: Path, paths: list[str]) -> list[Path]:
    """Write files where they can be, and return them."""
    for path in paths:
        place = folder / path
        if set(path.split("/")).isdisjoint({".", ".."}):
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.touch()
            except (FileExistsError, NotADirectoryError):
                continue
    return sorted(path for path in folder.rglob("*") if path.is_file())


@given(PATHS, st.integers(1, 5))
def test_all_files_are_listed_in_the_order_of_their_paths(tmp_path_factory, paths, run):
    folder = tmp_path_factory.mktemp("files")
    files = made(folder, paths)
    hidden = [path for path in files if path.name.startswith(".")]
    inside = [p for p in files if p.relative_to(folder).parent.as_posix() == "."]
    seen = [p for p in files if not any(x.startswith(".") for x in p.relative_to(folder).parts)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "_RUN", run)
        listed = listing_of(folder)
    assert list(listed) == seen
    assert len(listed) == len(seen)
    assert [listed[number] for number in range(len(seen))] == seen
    assert listed[1:3] == seen[1:3]
    assert listed[::2] == seen[::2]
    for number, path in enumerate(seen):
        assert listed.number_of(*os.path.split(str(path))) == number
        assert listed.number_of(str(path.parent), path.name + "x") in (None, *range(len(seen)))
    assert [p for p in hidden_files_in(folder) if p in inside] == [p for p in hidden if p in inside]
    assert listed.has_line_ends == any("\n" in str(path) for path in seen)
    by_folder = [
        (number, Path(at, name)) for at, files in listed.folders() for number, name in files
    ]
    assert sorted(by_folder) == list(enumerate(seen))
    for ending in (".", ".-", ".b", ""):
        has = ending in {os.path.splitext(path.name)[1].lower() for path in seen}
        assert listed.may_have([".x", ending]) == has
    mask = np.arange(len(seen)) % 2 == 0
    assert list(listed.where(mask)) == seen[::2]
    assert [Path(*file) for file in listed.files(2)] == seen[2:]


def test_a_path_that_is_named_with_a_point_is_written_without(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made(tmp_path, ["a.jpg", "b/c.jpg"])
    assert [str(path) for path in files_in(Path("."))] == ["a.jpg", "b/c.jpg"]


def test_links_to_folders_are_followed_once(tmp_path):
    made(tmp_path, ["data/a/1.jpg", "data/b/2.jpg", "elsewhere/3.jpg"])
    (tmp_path / "data/c").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/back").symlink_to(tmp_path / "data")
    (tmp_path / "data/d").symlink_to(tmp_path / "data/a")
    (tmp_path / "data/e").symlink_to("e")
    (tmp_path / "data/gone").symlink_to("nowhere")
    names = [str(path.relative_to(tmp_path / "data")) for path in files_in(tmp_path / "data")]
    assert names == ["a/1.jpg", "b/2.jpg", "c/3.jpg", "e", "gone"]


def test_a_folder_that_is_deep_is_listed(tmp_path):
    place = tmp_path
    for _ in range(300):
        place /= "d"
    made(place, ["x"])
    assert len(files_in(tmp_path)) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(UnreadableDataset, match="closed cannot be read"):
        files_in(tmp_path)


def test_a_folder_is_listed_once_where_that_is_wanted(tmp_path):
    made(tmp_path, ["a"])
    with listed_once():
        first = files_in(tmp_path)
        made(tmp_path, ["b"])
        assert files_in(tmp_path) is first
    assert len(files_in(tmp_path)) == 2


def test_endings_are_not_kept_without_limit():
    files = Listing(("folder", f"x.{number}") for number in range(10_000))
    assert files.may_have([".jpg"])
    assert len(files._endings) < 5000


def test_memory_is_little_more_than_the_names():
    files = Listing(("folder", f"{number:09d}.jpg") for number in range(100_000))
    names = sum(len(run.names) for run in files._runs)
    assert names == 100_000 * 14 - len(files._runs)
    assert len(files._runs) <= 100_000 // 4096 + 1
