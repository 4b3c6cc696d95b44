"""constraints.txt pins every package that an installation brings."""

import re
import sys
import tomllib
from functools import cache
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from sources import ROOT, hold, imports, modules

FIX = "add the line to constraints.txt, delete .venv, run make test"


@cache
def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = [line for line in lines if line.strip() and not line.startswith("#")]
    bad = [line for line in pinned if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][\w.!+]*", line)]
    hold(bad, "a line of constraints.txt is NAME==VERSION", "write it so")
    return {canonicalize_name(name): version for name, version in (p.split("==") for p in pinned)}


# Without a wheel for every Python, or large: see the extras `fuzz`, `croissant`, `ray`, `spark`.
NOT_EVERYWHERE = frozenset({"atheris", "mlcroissant", "py4j", "pyspark", "ray"})


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    found = [Requirement(text) for group in (project["dependencies"], *extras) for text in group]
    # An extra may bring another one of ours.
    return [requirement for requirement in found if requirement.name != project["name"]]


def closure() -> set[str]:
    """Return what the declared packages bring on this machine, by the installed metadata."""
    brought: set[str] = set()
    waiting = [(requirement, "") for requirement in declared()]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        if name in NOT_EVERYWHERE and not any(metadata.distributions(name=name)):
            continue
        wanted = {"", *requirement.extras}
        if name in brought and wanted == {""}:
            continue
        brought.add(name)
        inner = [Requirement(text) for text in metadata.requires(name) or ()]
        waiting += [(one, wish) for one in inner for wish in wanted]
    return brought


def test_every_package_is_pinned():
    hold(sorted(closure() - pins().keys()), "every package an installation brings is pinned", FIX)


def test_pins_are_what_is_installed():
    wrong = [
        f"{name}: pinned {pins()[name]}, installed {metadata.version(name)}"
        for name in sorted(closure() & pins().keys())
        if metadata.version(name) != pins()[name]
    ]
    hold(wrong, "tests run on the pinned versions", FIX)


def test_pins_satisfy_what_is_declared():
    wrong = [
        f"{requirement} is pinned to {pins().get(canonicalize_name(requirement.name))}"
        for requirement in declared()
        if not requirement.specifier.contains(pins().get(canonicalize_name(requirement.name), "0"))
    ]
    hold(wrong, "a pin is within what pyproject.toml declares", FIX)


def test_every_import_is_declared():
    """What our code imports itself is declared, not borrowed from another package's needs."""
    providers = metadata.packages_distributions()
    named = {canonicalize_name(requirement.name) for requirement in declared()}
    wrong = {
        f"{module.path}:{line} imports {name}"
        for module in modules("registry", "crawler", "demo", "migrations", "bench")
        for name, line in imports(module.tree)
        if (top := name.partition(".")[0]) not in sys.stdlib_module_names
        and (top in providers or top not in NOT_EVERYWHERE)
        and top not in {"registry", "crawler", "demo", "bench", "migrations"}
        and not named & {canonicalize_name(one) for one in providers.get(top, ())}
    }
    hold(
        sorted(wrong),
        "what our code imports is declared in pyproject.toml",
        "declare it, or use what is declared",
    )
