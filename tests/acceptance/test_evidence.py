"""`registry evidence`, as it is installed."""

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from bundled import PAGE, URL, WarcFile, write_registry
from made import day, earlier_format

from demo.server import SampleSite
from registry.bundles.collection import collect
from registry.bundles.known import known_records
from registry.bundles.readme import readme
from registry.bundles.verification import verify
from registry.bundles.warc_folders import add_records
from registry.db.connect import connect_to
from registry.snapshot.publish import publish_folder

ALL_RECORDS = """SELECT 'observation:' || id FROM observation
    UNION ALL SELECT 'site-rule:' || id FROM site_rule"""


@pytest.fixture
def recorded(database_url: str, tmp_path: Path) -> str:
    """A registry with one marked image, and a folder `warc` beside it."""
    with connect_to(database_url) as conn:
        write_registry(conn, tmp_path / "warc")
    return database_url


@pytest.fixture
def bundle(run, recorded: str, tmp_path: Path) -> Path:
    path = tmp_path / "bundle.zip"
    made = run(
        *("registry", "evidence", "observation:1", "--out", path, "--warc", tmp_path / "warc"),
        database=recorded,
    )
    assert made.returncode == 0, made.stderr
    assert made.stderr == ""
    return path


@pytest.fixture
def snapshot(run, recorded: str, tmp_path: Path) -> Path:
    folder = tmp_path / "snapshot"
    done = run("registry", "snapshot", "build", "--out", folder, database=recorded)
    assert done.returncode == 0, done.stderr
    return folder


def run_verify(run, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Verify where no database can be reached."""
    return run("registry", "evidence", "verify", *arguments, database="postgresql://no.invalid/x")


def test_evidence_is_shown(run, recorded: str):
    shown = run("registry", "evidence", "observation:1", database=recorded)
    assert shown.returncode == 0, shown.stderr
    text = shown.stdout
    for part in (URL, PAGE, "ab" * 32, "2026-11-01 12:00:00 UTC", "2026-11-03 12:00:00 UTC"):
        assert part in text
    assert "noai: X-Robots-Tag: noai" in text
    assert "00001.warc.gz at byte" in text
    assert run("registry", "evidence", "1", database=recorded).stdout == text
    same = run("registry", "evidence", "show", "observation:1", database=recorded)
    assert same.stdout == text
    value = json.loads(run("registry", "evidence", "--json", "1", database=recorded).stdout)
    assert [record["record"] for record in value["records"]] == ["observation:1", "site-rule:1"]
    assert {mark["record"] for mark in value["marks"]} == {"observation:1", "site-rule:1"}
    assert run("registry", "evidence", "site-rule:1", database=recorded).returncode == 0


def test_a_bundle_is_verified_without_a_database(run, bundle: Path, snapshot: Path, tmp_path: Path):
    done = run_verify(run, bundle, "--snapshot", snapshot)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "differs" not in done.stdout
    assert "observation:1 is verified" in done.stdout
    assert "proven     noai" in done.stdout
    value = json.loads(run_verify(run, bundle, "--snapshot", snapshot, "--json").stdout)
    assert value["verified"] is True
    assert {check["outcome"] for check in value["checks"]} == {"fits", "unchecked"}
    with zipfile.ZipFile(bundle) as folder:
        assert folder.namelist() == ["README.txt", "evidence.json", "evidence.warc.gz"]
        assert URL in folder.read("README.txt").decode()
        warc = tmp_path / "copy.warc.gz"
        warc.write_bytes(folder.read("evidence.warc.gz"))
    explained = run("registry", "explain", warc)
    assert "noai" in explained.stdout


def test_a_changed_bundle_differs(run, bundle: Path, snapshot: Path, tmp_path: Path):
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "evidence.json":
                content = content.replace(b'"noai"', b'"none"')
            new.writestr(name, content)
    done = run_verify(run, changed, "--snapshot", snapshot)
    assert done.returncode == 1
    assert f"differs    headers of {URL}" in done.stdout
    assert "NOT verified" in done.stdout
    with zipfile.ZipFile(changed, "a") as new:
        new.writestr("more.txt", "more")
    done = run_verify(run, changed, "--snapshot", snapshot)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 2


def test_each_record_of_a_crawl_is_proven(
    run, site: SampleSite, crawl, database_url: str, tmp_path: Path
):
    done = crawl(site.url + "/", "--warc", tmp_path / "warc")
    assert done.returncode == 0, done.stderr
    with connect_to(database_url) as conn:
        snapshot = publish_folder(conn, tmp_path / "snapshot")
        found = [name for (name,) in conn.execute(ALL_RECORDS)]
        bundles = [collect(conn, name, day(27)) for name in found]
    assert len(found) > 100
    fitting = 0
    for bundle in bundles:
        assert bundle is not None
        complete, warc, missing = add_records(bundle, [tmp_path / "warc"])
        known = known_records(snapshot, [record.name for record in bundle.records])
        result = verify(complete, readme(complete), warc, known)
        assert (result.is_proven, missing) == (True, []), result
        fitting += sum(c.what.startswith("WARC") and c.outcome == "fits" for c in result.checks)
        # Evidence with marks has its record.
        marked = {(mark.carrier, mark.url) for mark in result.marks}
        assert marked <= {(p.evidence.carrier, p.evidence.url) for p in complete.evidence if p.warc}
    assert fitting > 20


def test_an_observation_newer_than_the_snapshot(
    run, database_url: str, snapshot_of_nothing: Path, tmp_path: Path
):
    with connect_to(database_url) as conn:
        write_registry(conn, tmp_path / "warc")
    path = tmp_path / "bundle.zip"
    run("registry", "evidence", "1", "--out", path, database=database_url)
    done = run_verify(run, path, "--snapshot", snapshot_of_nothing)
    assert done.returncode == 1
    assert "unchecked  observation:1" in done.stdout
    assert "hint: " in done.stderr
    assert "differs" not in done.stdout


@pytest.fixture
def snapshot_of_nothing(run, database_url: str, tmp_path: Path) -> Path:
    run("registry", "snapshot", "build", "--out", tmp_path / "empty", database=database_url)
    return tmp_path / "empty"


def test_a_snapshot_of_the_format_before(run, bundle: Path, snapshot: Path):
    earlier_format(snapshot)
    done = run_verify(run, bundle, "--snapshot", snapshot)
    assert done.returncode == 4
    assert "snapshot build" in done.stderr


def test_without_a_snapshot(run, bundle: Path, registry_home: Path):
    done = run_verify(run, bundle)
    assert done.returncode == 4
    assert "no snapshot was built here yet" in done.stderr
    assert list(registry_home.iterdir()) == []


def test_the_newest_snapshot_is_used(run, bundle: Path, recorded: str, registry_home: Path):
    run("registry", "snapshot", "build", database=recorded)
    assert run_verify(run, bundle).returncode == 0


def test_warc_files_that_are_not_at_hand(run, recorded: str, snapshot: Path, tmp_path: Path):
    path = tmp_path / "b.zip"
    done = run(
        "registry", "evidence", "1", "--out", path, "--warc", tmp_path, "--json", database=recorded
    )
    assert done.returncode == 0
    value = json.loads(done.stdout)
    assert value["warc_records"] == 0
    assert {one["file"] for one in value["missing"]} == {WarcFile().name}
    assert {one["reason"] for one in value["missing"]} == {"there is no such file"}
    said = run("registry", "evidence", "1", "--out", path, database=recorded).stderr
    assert f"{WarcFile().name} at byte" in said
    verified = run_verify(run, path, "--snapshot", snapshot)
    assert verified.returncode == 0
    assert "unchecked  WARC record of headers" in verified.stdout


def test_the_setting_names_folders_of_warc_files(
    run, recorded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("REGISTRY_WARC", os.pathsep.join([str(tmp_path), str(tmp_path / "warc")]))
    done = run("registry", "evidence", "1", "--out", tmp_path / "b.zip", database=recorded)
    assert "WARC records of 3 responses" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["observation:9"], 1),
        (["site-rule:9"], 1),
        (["claim:1"], 2),
        (["observation:x"], 2),
        (["0"], 2),
        (["-1"], 2),
        ([], 2),
        (["verify"], 2),
        (["verify", "no.zip"], 4),
        (["1", "--out", "no/folder/b.zip"], 4),
        (["1", "--out", "."], 4),
    ],
)
def test_wrong_arguments(run, recorded: str, arguments: list[str], code: int, tmp_path: Path):
    done = run("registry", "evidence", *arguments, database=recorded, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_a_machine_without_a_database_says_what_to_do(run, registry_home: Path):
    result = run("registry", "evidence", "1")
    assert result.returncode == 3
    assert len(result.stderr.splitlines()) == 2
    assert not (registry_home / "postgres").exists()


def test_help_names_both_commands(run):
    text = run("registry", "evidence", "--help").stdout
    assert "verify" in text
    assert "show" in text
