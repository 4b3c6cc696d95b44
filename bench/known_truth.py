"""One dataset of known truth, given to this project and to the tools of dataset builders.

    python -m bench.known_truth FOLDER [--works N] [--peers VENV]

Artists' sites on loopback mark works in a page, in a header, in robots.txt and in the file; other
hosts serve copies (bench/truth_site.py). The project visits the artists' sites only, builds a
snapshot, and checks the dataset: its URLs alone, and the WebDataset shards that img2dataset makes
of it, with the pictures as they are and as it pads them by default. datadiligence is asked about
each URL, header and file; img2dataset downloads the dataset with its defaults. Prints for each tool
which share of the reserved rows it kept out (recall), which share of those it kept out are reserved
(precision), and the recall by mark and by copy.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.peer_venv import made as peers_of
from bench.truth_site import COPY, MARK, Row, made, served
from registry.db.embedded import embedded_server

BIN = Path(sys.executable).parent
PINS = Path(__file__).with_name("peers_truth.txt")
ASKED = Path(__file__).with_name("ask_builders_tools.py")
# Exit codes of a check that ended: nothing reserved, and something.
CHECKED = (0, 1)


def main() -> None:
    """Run the comparison and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--works", type=int, default=60, help="works of each mark")
    parser.add_argument("--peers", type=Path, help="virtual environment of the other tools")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    os.chdir(options.folder)
    os.environ["REGISTRY_HOME"] = str(Path("home").absolute())
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    peers = (options.peers or peers_of(PINS)) / "bin"
    rows, answers = made(options.works)
    urls = [row.url for row in rows]
    table = pa.table({"url": urls, "n": range(len(urls))})
    pq.write_table(table, "dataset.parquet")
    with served(answers) as sites, embedded_server(Path("home").absolute()):
        recorded(sites)
        refused = {
            "this project, URLs": by_check("dataset.parquet", "urls"),
            "datadiligence": by_datadiligence(urls, peers),
            "img2dataset": by_img2dataset(peers),
            "this project, pictures": by_pictures(peers, "shards", "no"),
            "this project, padded to 256 px": by_pictures(peers, "padded", "border"),
        }
    report(rows, refused)


def recorded(sites: Sequence[str]) -> None:
    """Visit the artists' sites, and build a snapshot of what was seen."""
    run(BIN / "crawler", "run", *sites, "--delay", "0", "--max-pages", "100000")
    run(BIN / "registry", "snapshot", "build")


def by_check(dataset: str, name: str) -> set[int]:
    """Return the numbers of the rows that a check calls neither clear nor allowed."""
    out = f"{name}.rows.parquet"
    run(BIN / "registry", "check", dataset, "--out", out, expect=CHECKED)
    found = pq.read_table(out)
    number = found.column("n" if "n" in found.column_names else "json.n").to_pylist()
    outcome = found.column("optout_outcome").to_pylist()
    return {int(n) for n, said in zip(number, outcome, strict=True) if said != "clear"}


def by_pictures(peers: Path, folder: str, resize_mode: str) -> set[int]:
    """Check the dataset as img2dataset downloads it when it refuses nothing.

    With `border`, its default, pictures are scaled to 256 pixels and padded to squares.
    """
    downloaded(peers, folder, ["--disallowed_header_directives", "[]"], resize_mode)
    return by_check(folder, folder)


def by_img2dataset(peers: Path) -> set[int]:
    """Return the rows that img2dataset did not download."""
    downloaded(peers, "refusing", [])
    found = pq.read_table(sorted(Path("refusing").glob("*.parquet")), columns=["n", "status"])
    return {row["n"] for row in found.to_pylist() if row["status"] != "success"}


def downloaded(peers: Path, folder: str, options: Sequence[str], resize_mode: str = "no") -> None:
    """Have img2dataset download the dataset into shards."""
    given = {
        "url_list": "dataset.parquet",
        "input_format": "parquet",
        "url_col": "url",
        "save_additional_columns": '["n"]',
        "output_format": "webdataset",
        "output_folder": folder,
        "resize_mode": resize_mode,
        "image_size": "256",
        "processes_count": "1",
        "thread_count": "8",
        "number_sample_per_shard": "1000",
    }
    words = [f"--{name}={value}" for name, value in given.items()]
    run(peers / "img2dataset", *words, *options)


def by_datadiligence(urls: Sequence[str], peers: Path) -> set[int]:
    """Return the rows that datadiligence does not allow."""
    Path("urls.json").write_text(json.dumps(urls))
    allowed = json.loads(run(peers / "python", ASKED, "urls.json"))
    return {number for number, is_allowed in enumerate(allowed) if not is_allowed}


def run(program: Path, *words: object, expect: Sequence[int] = (0,)) -> str:
    """Run a command and return what it prints; end with what it says if it fails."""
    command = [str(program), *map(str, words)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode not in expect:
        raise SystemExit(f"{' '.join(command)}: {ended.returncode}\n{ended.stderr[-2000:]}")
    return ended.stdout


def report(rows: Sequence[Row], refused: Mapping[str, set[int]]) -> None:
    """Print the tables."""
    reserved = {number for number, row in enumerate(rows) if row.reserved}
    print(f"{len(rows)} rows, {len(reserved)} of them reserved\n")
    print(line("tool", "recall", "precision"))
    print(line("---", "---", "---"))
    for name, found in refused.items():
        right = len(found & reserved)
        print(line(name, share(right, len(reserved)), share(right, len(found))))
    for title, kinds, kind_of in (
        ("mark", MARK[1:], [row.mark for row in rows]),
        ("copy", COPY, [row.copy for row in rows]),
    ):
        print("\n" + line(f"recall by {title}", *kinds))
        print(line(*["---"] * (len(kinds) + 1)))
        for name, found in refused.items():
            parts = [{n for n in reserved if kind_of[n] == kind} for kind in kinds]
            print(line(name, *(share(len(found & part), len(part)) for part in parts)))


def share(part: int, whole: int) -> str:
    """Return a share in percent."""
    return f"{100 * part / whole:.1f} %" if whole else "-"


def line(*cells: str) -> str:
    """Return a line of a table."""
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
