"""The files in deploy/ fit the project: commands, options, paths and settings are there.

No Docker engine is needed, and none is run. compose.yaml is read by a reader of
the part of YAML it is written in (simple_yaml.py), which refuses everything else.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from simple_yaml import NotSimpleError, read_yaml

from crawler.worker.work import DRAIN

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
SETTING = re.compile(r"\$\{([A-Z_]+)(?::?[-?][^}]*)?\}")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    read: dict[str, Any] = read_yaml((DEPLOY / "compose.yaml").read_text("utf-8"))
    return read


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2",
        "a:\n\tb: 1",
        "a: 1\n  b: 2",
        "a:\n    b: 1\n  c: 2",
        "a: *nobody",
        "a: |\n  text",
        "a: {b: 1}",
        "a: [b, c]",
        'a: "open',
        "a: b: c",
        "- a\nb: 1",
        "just words",
    ],
)
def test_yaml_that_is_not_simple_is_refused(text: str) -> None:
    with pytest.raises(NotSimpleError):
        read_yaml(text)


def test_yaml_is_read() -> None:
    text = 'x: &one\n  a: 1\ny:\n  <<: *one\n  b: ["c d", "e"]  # why\nz:\n  - f:g\n  - "h"\nw:\n'
    read = {"x": {"a": "1"}, "y": {"a": "1", "b": ["c d", "e"]}, "z": ["f:g", "h"], "w": None}
    assert read_yaml(text) == read


def test_services_name_what_is_there(
    compose: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    for name, service in services.items():
        assert set(service.get("depends_on") or ()) <= set(services), name
        for mount in service.get("volumes") or ():
            volume, _, place = mount.partition(":")
            assert place.startswith("/"), mount
            if volume.startswith("./"):
                assert (DEPLOY / volume).exists(), f"{name} mounts {volume}, which is not there"
                assert place.endswith(":ro"), mount
            else:
                assert volume in compose["volumes"], f"{name} mounts {volume}: declared nowhere"


def test_conditions_can_be_met(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for other, wait in (service.get("depends_on") or {}).items():
            if wait["condition"] == "service_healthy":
                assert services[other]["healthcheck"]["test"], f"{name} waits for {other}"
            else:
                assert wait["condition"] == "service_completed_successfully"
                assert "restart" not in services[other], f"{other} would never be completed"


def test_built_from_the_dockerfile(services: dict[str, dict[str, Any]]) -> None:
    built = [service["build"] for service in services.values() if "build" in service]
    assert built
    for build in built:
        context = (DEPLOY / build["context"]).resolve()
        assert context == ROOT
        assert (context / build["dockerfile"]).is_file()


def commands(services: dict[str, dict[str, Any]]) -> list[list[str]]:
    return [service["command"] for service in services.values() if "command" in service]


def test_commands_are_ours_and_take_their_options(services: dict[str, dict[str, Any]]) -> None:
    """The installed program knows the command and every option that is given to it."""
    assert ["registry", "init"] in commands(services)
    assert any(command[:2] == ["crawler", "worker"] for command in commands(services))
    assert any(command[:2] == ["crawler", "owners"] for command in commands(services))
    for command in commands(services):
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:2], "--help"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        for option in (word for word in command[2:] if word.startswith("-")):
            assert option in done.stdout, f"{command[:2]} has no option {option}"


def test_every_setting_is_in_the_readme(services: dict[str, dict[str, Any]]) -> None:
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    named = set(SETTING.findall(text))
    for service in services.values():
        given = service.get("environment") or {}
        named |= {name for name in given if name.startswith(("REGISTRY_", "CRAWLER_"))}
    named |= set(re.findall(r"\b((?:REGISTRY|CRAWLER)_[A-Z_]+)=", dockerfile()))
    readme = (DEPLOY / "README.md").read_text("utf-8")
    missing = sorted(name for name in named if f"| `{name}` |" not in readme)
    assert len(named) >= 4
    assert not missing, f"deploy/README.md has no row for {missing}"


def test_readme_names_settings_that_there_are() -> None:
    readme = (DEPLOY / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \|", readme, re.MULTILINE)
    everywhere = (DEPLOY / "compose.yaml").read_text("utf-8") + dockerfile()
    assert rows
    assert [name for name in rows if name not in everywhere] == []


def test_settings_are_those_the_program_reads(services: dict[str, dict[str, Any]]) -> None:
    sources = [*(ROOT / "registry").rglob("*.py"), *(ROOT / "crawler").rglob("*.py")]
    code = "".join(path.read_text("utf-8") for path in sources)
    given = {name for service in services.values() for name in service.get("environment") or {}}
    ours = {name for name in given if name.startswith(("REGISTRY_", "CRAWLER_"))}
    assert "REGISTRY_DATABASE_URL" in ours
    assert [name for name in ours if f'"{name}"' not in code] == []


def dockerfile() -> str:
    """Return the Dockerfile with continued lines joined and comments out."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"\\\n\s*", "", text)


def copied() -> set[str]:
    """Return the paths that come into the image from the repository."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", dockerfile(), re.MULTILINE)
    return {source for line in lines for source in line.split()[:-1]}


def test_dockerfile_copies_what_is_there() -> None:
    assert copied()
    assert [source for source in copied() if not (ROOT / source).exists()] == []


def test_dockerfile_copies_what_an_installation_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], "pyproject.toml", "constraints.txt"}
    needed |= {project["project"]["readme"], *project["project"]["license-files"]}
    assert needed - copied() == set()


def test_image_runs_as_somebody_else_than_root() -> None:
    last = dockerfile().rpartition("\nFROM ")[2]
    user = re.search(r"^USER (\w+)$", last, re.MULTILINE)
    assert user is not None
    assert user[1] not in {"root", "0"}
    assert last.index("\nUSER ") < last.index("\nCMD ")


def test_image_has_a_python_that_is_new_enough() -> None:
    found = re.findall(r"^FROM python:3\.(\d+)", dockerfile(), re.MULTILINE)
    assert found
    assert len(set(found)) == 1, "the virtual environment belongs to the Python that made it"
    assert int(found[0]) >= 11


def test_database_is_new_enough(services: dict[str, dict[str, Any]]) -> None:
    from registry.db.connect import OLDEST_MAJOR

    image = services["database"]["image"]
    assert int(image.removeprefix("postgres:")) >= OLDEST_MAJOR


def test_workers_can_be_scaled_and_have_time_to_end(services: dict[str, dict[str, Any]]) -> None:
    worker = services["worker"]
    assert not worker.keys() & {"ports", "container_name", "hostname"}, "one of them could start"
    assert int(worker["stop_grace_period"].removesuffix("s")) > DRAIN + 30
    for name in ("worker", "owners"):
        assert services[name]["restart"] == "unless-stopped"


def test_no_password_and_no_open_port(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for port in service.get("ports") or ():
            assert port.startswith("127.0.0.1:"), f"{name} opens port {port} to the network"
        for setting, value in (service.get("environment") or {}).items():
            if "PASSWORD" in setting:
                assert SETTING.fullmatch(value), f"{name} holds a password"
    url = services["migrate"]["environment"]["REGISTRY_DATABASE_URL"]
    assert re.search(r"://\w+:\$\{POSTGRES_PASSWORD[^}]*\}@database/", url)
