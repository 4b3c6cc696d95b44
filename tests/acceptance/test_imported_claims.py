"""Imported claims as their users see them: what they are about, and how they are withdrawn."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_init_import_stats import paint

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    folder = tmp_path / "paintings"
    (folder / "2024").mkdir(parents=True)
    paint(folder / "2024" / "tiger.png", 1)
    (tmp_path / "sites.csv").write_text("site,path_pattern\nart.example,/gallery/\nb.example,\n")
    return tmp_path


@pytest.fixture
def loaded(run: Run, database_url: str, registry_home: Path, lists: Path) -> Path:
    for name in ("paintings", "sites.csv"):
        done = run("registry", "import", lists / name, database=database_url)
        assert done.returncode == 0, done.stderr
    assert run("registry", "snapshot", "build", database=database_url).returncode == 0
    return lists


def test_a_site_is_shown_with_the_path_that_was_claimed(
    run: Run, database_url: str, loaded: Path
) -> None:
    url = "https://art.example/gallery/1.jpg"
    shown = run("registry", "lookup", url, database=database_url).stdout
    assert "reserved for train, says sites.csv  at art.example/gallery/\n" in shown
    found = json.loads(run("registry", "lookup", "--json", url, database=database_url).stdout)[
        "found"
    ]
    assert [signal["url"] for entry in found for signal in entry["signals"]] == [
        "art.example/gallery/"
    ]
    whole = run("registry", "lookup", "https://b.example/1.jpg", database=database_url).stdout
    assert "says sites.csv  at b.example\n" in whole
    assert (
        run(
            "registry", "lookup", "https://art.example/other/1.jpg", database=database_url
        ).returncode
        == 1
    )


def test_a_site_with_a_path_in_its_own_column_is_a_bad_row_with_advice(
    run: Run, database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "list.csv").write_text("site\nhttps://art.example/gallery/\n")
    done = run("registry", "import", tmp_path / "list.csv", database=database_url)
    assert done.returncode == 4
    assert "line 2: column site" in done.stderr
    assert "(paths go into path_pattern)" in done.stderr


def test_a_picture_is_shown_with_its_files_name(run: Run, database_url: str, loaded: Path) -> None:
    copy = paint(loaded / "copy.png", 1)
    shown = run("registry", "lookup", copy, database=database_url).stdout
    assert "reserved for train, says paintings: 2024/tiger.png\n" in shown
    dataset = loaded / "dataset.parquet"
    pq.write_table(pa.table({"image": [copy.read_bytes()]}), dataset)
    done = run("registry", "check", dataset, "--out", loaded / "out.parquet", database=database_url)
    assert done.returncode == 1, done.stderr
    (reason,) = pq.read_table(loaded / "out.parquet")["optout_reason"].to_pylist()
    assert "says paintings: 2024/tiger.png" in reason


def test_claims_are_counted_withdrawn_and_stand_again(
    run: Run, database_url: str, loaded: Path
) -> None:
    def claims(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run("registry", "claims", *arguments, database=database_url)

    asked = claims("withdraw", "--source", "sites.csv")
    assert asked.returncode == 2
    assert "error: 2 claims of sites.csv would be withdrawn\nhint: add --yes" in asked.stderr
    done = claims("withdraw", "--source", "sites.csv", "--reason", "sold", "--yes", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"withdrawn": 2})
    again = claims("withdraw", "--source", "sites.csv", "--yes")
    assert (again.returncode, again.stderr) == (1, "0 claims withdrawn\n")

    url = "https://art.example/gallery/1.jpg"
    assert run("registry", "lookup", url, database=database_url).returncode == 1
    assert (
        run(
            "registry", "lookup", loaded / "paintings/2024/tiger.png", database=database_url
        ).returncode
        == 0
    )

    listed = claims("list", "--withdrawn").stdout
    assert "reserved for train  art.example/gallery/  (withdrawn)" in listed
    assert "UTC  (sold)" in listed

    back = run("registry", "import", loaded / "sites.csv", database=database_url)
    assert "2 withdrawn claims restored" in back.stderr
    assert run("registry", "lookup", url, database=database_url).returncode == 0
    lines = claims("list", "--source", "sites.csv", "--json").stdout.splitlines()
    for line in lines:
        (withdrawal,) = json.loads(line)["withdrawals"]
        assert withdrawal["withdrawn_at"] < withdrawal["restored_at"]


def test_one_claim_is_withdrawn_by_the_name_that_look_ups_print(
    run: Run, database_url: str, loaded: Path
) -> None:
    first = json.loads(
        run("registry", "claims", "list", "--limit", "1", "--json", database=database_url).stdout
    )
    entry = f"claim:{first['id']}"
    done = run("registry", "claims", "withdraw", "--id", entry, database=database_url)
    assert done.returncode == 0, done.stderr
    left = run("registry", "claims", "list", "--after", entry, database=database_url)
    assert entry not in left.stdout
    page = run("registry", "claims", "list", "--limit", "1", database=database_url)
    assert f"there are more: --after {first['id']}" in page.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["withdraw"], "name either --source or --id"),
        (["withdraw", "--source", "x", "--id", "1"], "name either --source or --id"),
        (["withdraw", "--id", "seven"], "'seven' is not the id of a claim"),
        (["withdraw", "--id", "7"], "no claim has the id 7"),
    ],
)
def test_a_mistaken_withdrawal_is_refused(
    run: Run, database_url: str, arguments: list[str], words: str
) -> None:
    done = run("registry", "claims", *arguments, database=database_url)
    assert done.returncode == 2
    assert words in done.stderr


def test_a_lookup_says_where_withdrawn_claims_are_shown(
    run: Run, database_url: str, loaded: Path
) -> None:
    url = "https://other.example/1.jpg"
    before = run("registry", "lookup", url, database=database_url)
    assert (before.returncode, "withdrawn" in before.stdout) == (1, False)
    withdraw = ("registry", "claims", "withdraw", "--source", "sites.csv", "--yes")
    done = run(*withdraw, database=database_url)
    assert done.returncode == 0, done.stderr
    target = "https://b.example/1.jpg?a=1&b=2"
    after = run("registry", "lookup", target, database=database_url)
    assert after.returncode == 1
    assert after.stdout.splitlines()[-2:] == [
        "  Withdrawn claims (2 in this registry) are not in a snapshot:",
        f"  registry history '{target}' shows whether one was about this.",
    ]
    answer = json.loads(run("registry", "lookup", "--json", url, database=database_url).stdout)
    assert answer["withdrawn_claims"] == 2
    assert "withdrawn" in run("registry", "history", target, database=database_url).stdout
