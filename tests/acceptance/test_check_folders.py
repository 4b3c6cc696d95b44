"""`registry check` of folders of pictures with what lies beside them, and of DataComp's subsets."""

import json
import shutil
from pathlib import Path

import numpy as np
from checking import MARKED, check, said_in_one_line, table
from drawn import draw
from picture_folders import files_of

UIDS = [f"{number:032x}" for number in range(4)]


def test_a_folder_with_captions_is_kept_as_it_is(tmp_path: Path, snapshot: Path, picture: Path):
    folder = tmp_path / "10_cat"
    folder.mkdir()
    for number in (2, 3):
        draw(number).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"cat {number}")
    shutil.copy(picture, folder / "1.jpg")
    (folder / "3.json").write_text(json.dumps({"url": MARKED}))
    kept = tmp_path / "kept"
    result = check(folder, "--json", "--keep", "clear", "--out", kept, snapshot=snapshot)
    assert result.returncode == 1, result.stderr
    report = json.loads(result.stdout)
    assert report["matched_by"] == {"url": 1, "digest": 1, "fingerprint": 0, "site": 0}
    assert report["left_out"] == []
    assert sorted(files_of(kept)) == ["2.png", "2.txt"]
    again = check(kept, "--keep", "clear", "--out", tmp_path / "kept.txt", snapshot=snapshot)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "kept.txt").read_text() == f"{kept}/2.png\n"
    into = check(folder, "--keep", "clear", "--out", folder / "kept", snapshot=snapshot)
    said_in_one_line(into, 2, "in the folder of the dataset")


def test_a_table_that_names_pictures(tmp_path: Path, snapshot: Path, picture: Path):
    folder = tmp_path / "data/train"
    folder.mkdir(parents=True)
    shutil.copy(picture, folder / "1.jpg")
    draw(2).save(folder / "2.png")
    lines = ["file_name,text", "train/2.png,two", "train/1.jpg,one", "train/gone.jpg,gone"]
    (folder.parent / "metadata.csv").write_text("\n".join(lines))
    kept = tmp_path / "kept"
    result = check(folder.parent, "--json", "--keep", "clear", "--out", kept, snapshot=snapshot)
    report = json.loads(result.stdout)
    assert (report["format"], report["rows"]) == ("imagefolder", 3)
    assert report["unchecked_reasons"] == {"row-not-read": 1}
    assert (kept / "metadata.csv").read_text() == "\n".join(lines[:2]) + "\n"
    assert sorted(files_of(kept)) == ["metadata.csv", "train/2.png"]


def test_a_subset_of_datacomp(tmp_path: Path, snapshot: Path):
    urls = [MARKED, *(f"https://elsewhere.example/{number}.jpg" for number in range(3))]
    metadata = table(tmp_path / "m.parquet", uid=UIDS, url=urls)
    halves = [(int(uid[:16], 16), int(uid[16:], 16)) for uid in UIDS[:3]]
    np.save(tmp_path / "s.npy", np.array(halves, np.dtype("u8,u8")))
    out = tmp_path / "kept.npy"
    result = check(
        metadata, tmp_path / "s.npy", "--json", "--keep", "clear", "--out", out, snapshot=snapshot
    )
    report = json.loads(result.stdout)
    assert report["outcomes"]["reserved"] == 1
    assert report["outcomes"]["clear"] == report["rows"] - 1 == 2
    assert np.load(out).tolist() == halves[1:]
    alone = check(tmp_path / "s.npy", snapshot=snapshot)
    said_in_one_line(alone, 4, "without URLs or hashes")
    assert "METADATA SUBSET.npy" in alone.stderr
