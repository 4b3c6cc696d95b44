"""The units, the dashboard and the alerts in deploy/ fit the project.

systemd itself checks the units where it is installed; Prometheus and Grafana are not run.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from crawler.worker.metrics import Latest, application
from crawler.worker.totals import Totals
from crawler.worker.work import DRAIN
from registry.db.status import Numbers

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = DEPLOY / "systemd"
BIN = Path(sys.executable).parent
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
NAMES = sorted(path.name for path in UNITS.glob("optout-*.*") if path.is_file())
SERVICES = [name for name in NAMES if name.endswith(".service")]
METRIC = re.compile(r"\boptout_\w+")


class Idle:
    """A worker as far as metrics know it."""

    def __init__(self) -> None:
        self.totals = Totals()
        self.aboard = self.children = 0


@pytest.fixture(scope="module")
def served() -> set[str]:
    """Return the names of all samples that a worker serves."""
    latest = Latest(lambda: Numbers(0, 0, 0, 0.0, 0, 0, 0))
    page = application(Idle(), latest)  # type: ignore[arg-type]
    environ = {"PATH_INFO": "/metrics", "REQUEST_METHOD": "GET"}
    text = b"".join(page(environ, lambda *_: lambda _: None)).decode()
    return {sample.name for family in families(text) for sample in family.samples}


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((DEPLOY / "grafana/optout-registry.json").read_text("utf-8"))
    return read


def expressions(dashboard: dict[str, Any]) -> Iterator[str]:
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


def alerts() -> list[str]:
    """Return the expressions of alerts.yml, which may go on over several lines."""
    text = (DEPLOY / "alerts.yml").read_text("utf-8")
    return re.findall(r"expr: (?:>-\n)?(.+?)\n +(?:for|labels):", text, re.DOTALL)


def test_panels_and_alerts_name_metrics_that_there_are(
    dashboard: dict[str, Any], served: set[str]
) -> None:
    shown = list(expressions(dashboard))
    assert len(shown) > 10
    assert len(alerts()) == (DEPLOY / "alerts.yml").read_text("utf-8").count("- alert:") >= 4
    for expression in [*shown, *alerts()]:
        assert set(METRIC.findall(expression)) <= served, expression
        assert METRIC.search(expression), expression
        assert expression.count("(") == expression.count(")"), expression


def test_every_metric_is_on_the_dashboard(dashboard: dict[str, Any], served: set[str]) -> None:
    shown = set(METRIC.findall(" ".join(expressions(dashboard))))
    parts = {"optout_visit_duration_seconds_sum", "optout_visit_duration_seconds_count"}
    assert served - shown == parts


def test_every_metric_is_documented(served: set[str]) -> None:
    page = (DEPLOY.parent / "docs/operating.md").read_text("utf-8")
    names = {re.sub(r"_(bucket|sum|count)$", "", name) for name in served}
    assert sorted(names - set(METRIC.findall(page))) == []
    assert sorted(set(METRIC.findall(page)) - names) == []


def test_the_dashboard_takes_any_prometheus(dashboard: dict[str, Any]) -> None:
    (variable,) = dashboard["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == (
        *("DS_PROMETHEUS", "datasource"),
        "prometheus",
    )
    source = {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}
    for panel in dashboard["panels"]:
        assert panel["datasource"] == source
        assert all(target["datasource"] == source for target in panel["targets"])
    assert dashboard["id"] is None
    assert dashboard["schemaVersion"] <= 38, "Grafana 10 reads up to 38"


def test_panels_do_not_overlap(dashboard: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        x, y, width, height = (panel["gridPos"][name] for name in "xywh")
        cells = {(x + i, y + j) for i in range(width) for j in range(height)}
        assert not taken & cells, panel["title"]
        assert x + width <= 24
        taken |= cells
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)


def unit(name: str) -> ConfigParser:
    """Read a unit with what all units have; a name that is given twice has the last value."""
    parser = ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read([UNITS / "optout-.service.d/common.conf", UNITS / name], encoding="utf-8")
    return parser


def test_the_units_are_there() -> None:
    assert NAMES == [
        "optout-owners.service",
        "optout-registry.sysusers.conf",
        "optout-snapshot.service",
        "optout-snapshot.timer",
        "optout-worker@.service",
    ]


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_starts_a_command_with_options_that_there_are(name: str) -> None:
    words = unit(name)["Service"]["ExecStart"].split()
    program = Path(words[0])
    assert program.parent == Path("/opt/optout/bin"), "where the Dockerfile has it, too"
    options = [word for word in words if word.startswith("--")]
    names = [word for word in words[1:3] if re.fullmatch("[a-z]+", word)]
    done = subprocess.run(
        [str(BIN / program.name), *names, "--help"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert [option for option in options if option not in done.stdout] == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_ends_in_time_and_starts_again(name: str) -> None:
    service = unit(name)["Service"]
    assert service["User"] not in {"root", "0"}
    assert service["KillMode"] == "mixed"
    assert int(service["TimeoutStopSec"]) > DRAIN + 30
    # systemd refuses `always` for oneshot.
    is_oneshot = service["Type"] == "oneshot"
    assert service["Restart"] == ("on-failure" if is_oneshot else "always")
    assert service["Type"] in {"oneshot", "exec"}
    assert "network-online.target" in unit(name)["Unit"]["After"]


def test_numba_can_compile_and_keep_what_it_compiled() -> None:
    text = (UNITS / "optout-.service.d/common.conf").read_text("utf-8")
    assert not re.search("^MemoryDenyWriteExecute", text, re.MULTILINE)
    assert "Environment=NUMBA_CACHE_DIR=/var/cache/optout-registry" in text
    assert "CacheDirectory=optout-registry" in text


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with the units, whose programs are those under test."""
    shutil.copytree(UNITS, tmp_path, dirs_exist_ok=True)
    for name in SERVICES:
        text = (tmp_path / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace("/opt/optout/bin/", f"{BIN}/"), "utf-8")
    return tmp_path


def analyzed(folder: Path, *arguments: str) -> str:
    assert ANALYZE is not None
    done = subprocess.run(
        [ANALYZE, *arguments],
        env={"SYSTEMD_UNIT_PATH": f"{folder}:", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@needs_systemd
@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith(".conf")])
def test_systemd_takes_the_units(installed: Path, name: str) -> None:
    assert analyzed(installed, "verify", "--man=no", f"./{name}") == ""


@needs_systemd
def test_systemd_finds_a_wrong_line_of_a_unit(installed: Path) -> None:
    common = installed / "optout-.service.d/common.conf"
    common.write_text(common.read_text("utf-8") + "ProtectSystm=strict\n", "utf-8")
    assert "Unknown key" in analyzed(installed, "verify", "--man=no", "./optout-owners.service")
