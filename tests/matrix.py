"""The works of `layout_parts` in every format, of which one thing alone leads to the registry."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from arrow_files import write
from layout_parts import Work, works
from layouts_archives import noise
from tar_files import tar_bytes

Holds = Literal["urls", "digests", "hashes", "pictures"]
HOLDS: tuple[Holds, ...] = ("urls", "digests", "hashes", "pictures")
# Writes the works into a folder, and returns the names of what is checked, "" for the folder.
Writer = Callable[[Path, Holds], tuple[str, ...]]
Row = dict[str, Any]


def values(work: Work, holds: Holds) -> dict[str, str]:
    """Return what leads to a work, by column; a picture is not among the columns."""
    found = {"urls": ("url", work.url), "digests": ("sha256", work.sha256)}
    found["hashes"] = ("phash", work.phash)
    return {"caption": f"work {work.number}"} | dict([found[holds]] if holds in found else [])


def picture(work: Work, holds: Holds) -> bytes:
    """Return a copy of the work, or a picture that no registry knows."""
    return work.resized if holds == "pictures" else noise(work.number)


def rows(holds: Holds, *, as_text: bool) -> list[Row]:
    """Return the rows of a table; only one of pictures has them, as base64 if it is text."""
    made: list[Row] = []
    for work in works():
        row: Row = dict(values(work, holds))
        if holds == "pictures":
            row["image"] = base64.b64encode(work.resized).decode() if as_text else work.resized
        made.append(row)
    return made


def table(holds: Holds) -> pa.Table:
    return pa.Table.from_pylist(rows(holds, as_text=False))


def parquet(folder: Path, holds: Holds) -> tuple[str, ...]:
    pq.write_table(table(holds), folder / "data.parquet", row_group_size=7)
    return ("data.parquet",)


def datacomp(folder: Path, holds: Holds) -> tuple[str, ...]:
    """Write metadata with twice the works, and a subset that names each once."""
    uids = [f"{n:032x}" for n in range(len(works()))]
    whole = table(holds).append_column("uid", pa.array(uids))
    others = whole.set_column(whole.num_columns - 1, "uid", pa.array(["f" * 32] * len(uids)))
    pq.write_table(pa.concat_tables([whole, others]), folder / "metadata.parquet")
    np.save(folder / "subset.npy", np.array([(0, n) for n in range(len(uids))], "u8,u8"))
    return ("metadata.parquet", "subset.npy")


def arrow(folder: Path, holds: Holds) -> tuple[str, ...]:
    rows = table(holds)
    with pa.ipc.new_file(folder / "data.feather", rows.schema) as out:
        out.write_table(rows, max_chunksize=7)
    return ("data.feather",)


def saved(folder: Path, holds: Holds) -> tuple[str, ...]:
    write(folder / "saved/data-00000-of-00001.arrow", table(holds).to_batches())
    state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_split": "train"}
    (folder / "saved/state.json").write_text(json.dumps(state))
    return ("saved/",)


def comma_separated(holds: Holds, delimiter: str = ",") -> bytes:
    text = io.StringIO()
    lines = rows(holds, as_text=True)
    out = csv.DictWriter(text, list(lines[0]), delimiter=delimiter, lineterminator="\n")
    out.writeheader()
    out.writerows(lines)
    return text.getvalue().encode()


def csv_packed(folder: Path, holds: Holds) -> tuple[str, ...]:
    (folder / "data.csv.gz").write_bytes(gzip.compress(comma_separated(holds)))
    return ("data.csv.gz",)


def tsv(folder: Path, holds: Holds) -> tuple[str, ...]:
    (folder / "data.tsv").write_bytes(comma_separated(holds, "\t"))
    return ("data.tsv",)


def jsonl(folder: Path, holds: Holds) -> tuple[str, ...]:
    lines = map(json.dumps, rows(holds, as_text=True))
    (folder / "data.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return ("data.jsonl",)


def json_array(folder: Path, holds: Holds) -> tuple[str, ...]:
    (folder / "data.json").write_text(json.dumps(rows(holds, as_text=True), indent=1))
    return ("data.json",)


def webdataset(folder: Path, holds: Holds) -> tuple[str, ...]:
    for shard in range(2):
        members = [
            (f"{work.number:05d}.{ending}", content)
            for work in works()[shard * 20 : shard * 20 + 20]
            for ending, content in {
                "jpg": picture(work, holds),
                "json": json.dumps(values(work, holds)).encode(),
            }.items()
        ]
        (folder / f"{shard:05d}.tar").write_bytes(tar_bytes(members))
    return ("{00000..00001}.tar",)


def zip_archive(folder: Path, holds: Holds) -> tuple[str, ...]:
    with zipfile.ZipFile(folder / "part.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for work in works():
            archive.writestr(f"{work.number}.jpg", picture(work, holds))
            archive.writestr(f"{work.number}.json", json.dumps(values(work, holds)))
    return ("part.zip",)


def imagefolder(folder: Path, holds: Holds) -> tuple[str, ...]:
    lines = [{"file_name": f"{work.number:02d}.jpg", **values(work, holds)} for work in works()]
    (folder / "metadata.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    for work in works():
        (folder / f"{work.number:02d}.jpg").write_bytes(picture(work, holds))
    return ("",)


def pictures(folder: Path, holds: Holds) -> tuple[str, ...]:
    """Write files with captions beside them, whose text has what leads to a work."""
    for work in works():
        (folder / f"{work.number:02d}.jpg").write_bytes(picture(work, holds))
        (folder / f"{work.number:02d}.json").write_text(json.dumps(values(work, holds)))
    return ("",)


WRITERS: dict[str, Writer] = {
    "parquet": parquet,
    "datacomp": datacomp,
    "arrow": arrow,
    "saved": saved,
    "csv": csv_packed,
    "tsv": tsv,
    "jsonl": jsonl,
    "json": json_array,
    "webdataset": webdataset,
    "zip": zip_archive,
    "imagefolder": imagefolder,
    "pictures": pictures,
}
