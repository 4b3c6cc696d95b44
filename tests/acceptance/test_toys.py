"""A vocabulary, a site file, a spider, a dataset format: each is one code file and one fixture.

Shown on a copy of the repository: the files of tests/toys are added to it, the pages are
generated, and nothing else is changed. The copy's own tests of plug-ins pass, and its
commands use the four.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from house.sources import ROOT, tracked

from demo.server import SampleSite

TOYS = ROOT / "tests/toys"
# A toy: its code, and the place of its fixture.
CODE = {
    "registry/signals/toy_header.py": "tests/vectors/toy_header.jsonl",
    "registry/signals/toy_file.py": "tests/vectors/toy_file.jsonl",
    "crawler/spiders/toy.py": "tests/captures/toy/",
    "registry/datasets/formats/toy.py": "tests/samples/toy/",
}
GENERATED = {"docs/commands.md", "docs/reference/signals.md", "docs/signals.md"}
ABOUT_PLUGINS = [
    *(f"tests/house/test_{name}.py" for name in ("readers", "plugins", "spiders", "docs")),
    *(f"tests/house/test_{name}.py" for name in ("dataset_formats", "signal_pages", "arrows")),
    *(f"tests/pure/test_{name}.py" for name in ("carriers", "site_files", "page_images_captures")),
    *("tests/pure/test_signals.py", "tests/pure/test_signals_hostile.py"),
]
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """Return a copy of the repository to which the toys were added, and its pages generated."""
    root = tmp_path_factory.mktemp("copy")
    for path in tracked():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, root / path)
    git(root, "init", "-q")
    git(root, "add", "--all")
    shutil.copytree(TOYS, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    generated = ran(root, sys.executable, "docs/generate.py")
    assert generated.returncode == 0, generated.stderr
    return root


def git(root, *arguments):
    command = ["git", "-c", "safe.directory=*", "-c", "core.autocrlf=false", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout


def ran(root, *command, **environment):
    """Run a command in the copy, with its modules."""
    return subprocess.run(
        list(map(str, command)),
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_plugin_is_one_code_file_and_one_fixture(copy):
    added = set(git(copy, "ls-files", "--others", "--exclude-standard").split())
    changed = set(git(copy, "diff", "--name-only").split())
    assert {path for path in added if path in CODE} == set(CODE)
    fixtures = {path for path in added if path not in CODE}
    assert all(any(path.startswith(f) for path in fixtures) for f in CODE.values())
    assert all(any(path.startswith(f) for f in CODE.values()) for path in fixtures)
    assert changed == GENERATED


def test_the_tests_of_plugins_pass_with_them(copy):
    chosen = ["-k", "toy or not (test_signals or test_arrows)", *ABOUT_PLUGINS]
    done = ran(copy, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen)
    assert done.returncode == 0, done.stdout[-4000:]


def test_a_vocabulary_in_a_header_is_explained(copy, tmp_path):
    saved = tmp_path / "saved"
    saved.write_text("HTTP/1.1 200 OK\nContent-Type: image/png\nToy-Training: no\n\n", "utf-8")
    done = ran(copy, BIN / "registry", "explain", saved, "--policy", "letter", "--json")
    (explained,) = map(json.loads, done.stdout.splitlines())
    assert [signal["name"] for signal in explained["signals"]] == ["toy-training=no"]
    assert explained["verdict"] == "reserved"


def test_a_site_file_is_told_by_its_name_place_content_and_kind(copy, tmp_path):
    for name, options in {
        "toy.json": (),
        "by-content": (),
        "by-kind": ("--kind", "toy-json"),
    }.items():
        (tmp_path / name).write_text('{"toy": "no"}', "utf-8")
        done = ran(copy, BIN / "registry", "explain", tmp_path / name, "--json", *options)
        assert json.loads(done.stdout)["kind"] == "toy-json", done.stderr


def test_a_site_file_a_spider_and_a_format_from_the_site_to_the_check(
    copy, database_url, registry_home, tmp_path
):
    database = {"REGISTRY_DATABASE_URL": database_url}
    dataset = tmp_path / "rows.toy"
    with SampleSite(hosts={"site": "localhost"}) as site:
        site.replace("/toys.html", b'<p data-picture="/pictures/cat.jpg">')
        site.replace("/.well-known/toy.json", b'{"toy": "no"}')
        place = f"{site.url}/toys.html"
        done = ran(copy, BIN / "crawler", "run", place, "--delay", 0, "--json", **database)
        assert json.loads(done.stdout)["images"] == 1, done.stderr
        explained = ran(copy, BIN / "registry", "explain", f"{site.url}/pictures/cat.jpg")
        dataset.write_text(f"one {site.url}/pictures/cat.jpg\n", "utf-8")
    assert "* toy-json:no" in explained.stdout
    assert "an invented site" in ran(copy, BIN / "crawler", "sites", **database).stdout
    built = ran(copy, BIN / "registry", "snapshot", "build", **database)
    assert built.returncode == 0, built.stderr
    check = ("check", dataset, "--policy", "letter", "--json")
    checked = ran(copy, BIN / "registry", *check, **database)
    assert checked.returncode == 1, checked.stderr
    report = json.loads(checked.stdout)
    assert report["outcomes"]["reserved"] == 1, checked.stderr
    assert "toy-json:no" in checked.stdout
