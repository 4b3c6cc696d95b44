"""What a plain install does without the extras: their packages are hidden from the commands."""

import json
import os
import subprocess

import pytest
from checking import MARKED, table
from conftest import BIN

from registry.errors import EXTRAS

HIDING = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
"""


@pytest.fixture
def plain(tmp_path_factory, registry_home):
    """Run a command as if no extra were installed."""
    folder = tmp_path_factory.mktemp("hiding")
    (folder / "sitecustomize.py").write_text(HIDING.format(names=set(EXTRAS)))

    def run(*arguments):
        return subprocess.run(
            [str(BIN / arguments[0]), *map(str, arguments[1:])],
            env={**os.environ, "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def test_checks_and_looks_up_in_a_snapshot(plain, snapshot, tmp_path, picture):
    dataset = table(tmp_path / "some.parquet", url=[MARKED], image=[picture.read_bytes()])
    done = plain("registry", "check", dataset, "--snapshot", snapshot, "--json")
    assert json.loads(done.stdout)["outcomes"]["reserved"] == 1, done.stderr
    for target in (MARKED, picture):
        assert plain("registry", "lookup", target, "--snapshot", snapshot).returncode == 0
    assert plain("registry", "snapshot", "verify", snapshot).returncode == 0


def test_explains_hashes_and_tests_itself(plain, tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<meta name="robots" content="noai">')
    assert "reserved" in plain("registry", "explain", page).stdout
    assert plain("registry", "hash", "demo/site/www/pictures/cat.jpg").returncode == 0
    assert plain("registry", "agents").returncode == 0
    assert plain("registry", "selftest").returncode == 0
    assert plain("crawler", "--help").returncode == 0


@pytest.mark.parametrize(
    ("command", "extra", "code"),
    [
        (("registry", "stats"), "server", 3),
        (("registry", "init"), "server", 3),
        (("registry", "import", "demo/site/www/pictures/cat.jpg"), "server", 3),
        (("registry", "history", "https://a.example/1.jpg"), "server", 3),
        (("registry", "claims", "list"), "server", 3),
        (("registry", "snapshot", "build"), "server", 3),
        (("registry", "lookup", "https://a.example/1.jpg"), "server", 3),
        (("registry", "check", "tests/samples/pictures"), "server", 4),
        (("crawler", "run", "http://127.0.0.1:9/"), "crawler", 3),
        (("crawler", "sites"), "crawler", 3),
    ],
)
def test_what_is_missing_is_named(plain, command, extra, code):
    done = plain(*command)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    said = done.stderr.strip().splitlines()
    assert f"error: this command needs the extra {extra}, which is not installed" in said
    assert said[-1].startswith(f"hint: pip install 'optout-registry[{extra}]'")
    assert "Traceback" not in done.stderr
