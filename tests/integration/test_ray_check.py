"""`registry check --engine ray` on two Ray nodes, of which a worker is killed."""

import importlib.util
import subprocess
import sys

import placed_check
import pytest
from checking import check, said_in_one_line

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="the package ray is not installed"
)


@pytest.fixture(scope="module")
def address():
    """Start two nodes of one CPU each; they end with their input."""
    command = [sys.executable, str(placed_check.TESTS / "ray_nodes.py")]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=placed_check.environment(),
    ) as nodes:
        yield nodes.stdout.readline().strip()
        nodes.stdin.close()


def test_a_killed_worker_changes_nothing(address, art_snapshot, tmp_path, monkeypatch):
    placed_check.hold_same("ray", address, "kill_process", art_snapshot, tmp_path, monkeypatch)


def test_a_cluster_that_is_not_there_is_said_in_one_line(art_snapshot, tmp_path):
    data = placed_check.dataset(tmp_path)
    result = check(data, "--engine", "ray", "--address", "127.0.0.1:1", snapshot=art_snapshot.path)
    said_in_one_line(result, 4, "there is no Ray at 127.0.0.1:1", "start it")
