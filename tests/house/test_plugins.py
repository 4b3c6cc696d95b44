"""A plug-in is one code file and one fixture: this holds the two together, and its form."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sources import hold

from registry import datasets, fingerprints, signals
from registry.errors import PluginIncomplete
from registry.evidence import xmp
from registry.evidence.carriers import Carrier
from registry.plugins import discover
from registry.urls import variants

VECTORS = Path(__file__).parent.parent / "vectors"
READERS = discover("registry.signals")


def texts(value: Any) -> bool:
    """Return whether a value is a tuple of texts, and not one text."""
    return isinstance(value, tuple) and all(isinstance(one, str) for one in value)


def some_texts(value: Any) -> bool:
    return texts(value) and bool(value)


def lower_texts(value: Any) -> bool:
    return texts(value) and all(one == one.lower() for one in value)


def site_files(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, Carrier) for one in value)


def text(value: Any) -> bool:
    return isinstance(value, str)


Form = dict[str, tuple[Callable[[Any], bool], str]]
READ = "a function of a piece of evidence"
# What every plug-in of a folder has, and what it may have.
NEEDED: dict[str, Form] = {
    "registry.signals": {
        "CARRIERS": (some_texts, 'a tuple of texts, such as ("html",)'),
        "read": (callable, READ),
    },
    "registry.datasets.formats": {
        "sureness": (callable, "a function of a path"),
        "open_files": (callable, "a function of paths and a name"),
    },
    "registry.fingerprints": {
        "BITS": (lambda value: isinstance(value, int), "a number"),
        "VERSION": (text, "a text"),
        "SIDE": (lambda value: isinstance(value, int), "a number"),
        "compute": (callable, "a function of an image"),
    },
    "registry.evidence.xmp": {
        "recognises": (callable, "a function of the first bytes of a file"),
        "packets": (callable, "a function of the bytes of a file"),
    },
    "registry.urls.variants": {
        "HINT": (text, "a text"),
        "picture": (callable, "a function of a URL key"),
    },
}
OPTIONAL: dict[str, Form] = {
    "registry.signals": {
        "HEADERS": (lower_texts, "a tuple of texts in lower case"),
        "ADDRESSES": (lower_texts, "a tuple of texts in lower case"),
        "SITE_FILES": (site_files, "a tuple of Carriers"),
        "VOCABULARY": (text, "a text"),
        "excerpt": (callable, "a function of a page and its URL"),
    },
    "registry.urls.variants": {"HOST": (text, "a text")},
}


def faults(package: str, name: str, plugin: Any) -> Iterator[str]:
    """Yield what a plug-in lacks, or has in a wrong form, each after its file."""
    file = f"{package.replace('.', '/')}/{name}.py"
    for need, (is_right, form) in NEEDED[package].items():
        if not hasattr(plugin, need):
            yield f"{file} has no {need}: {form}"
        elif not is_right(getattr(plugin, need)):
            yield f"{file}: {need} is not {form}"
    for option, (is_right, form) in OPTIONAL.get(package, {}).items():
        if hasattr(plugin, option) and not is_right(getattr(plugin, option)):
            yield f"{file}: {option} is not {form}"
    reads_headers = "headers" in (getattr(plugin, "CARRIERS", None) or ())
    if reads_headers and not getattr(plugin, "HEADERS", ()):
        yield f"{file} reads headers, but has no HEADERS: the names of its fields"


@pytest.mark.parametrize("package", NEEDED)
def test_plugins_have_the_form_of_their_folder(package):
    plugins = discover(package)
    wrong = [fault for name in plugins for fault in faults(package, name, plugins[name])]
    hold(wrong, f"a plug-in has what {package} says in its docstring", "add or correct it")


GOOD = {"CARRIERS": ("headers",), "HEADERS": ("x-new",), "read": print}


@pytest.mark.parametrize(
    ("package", "plugin", "word"),
    [
        ("registry.signals", {"read": print}, "has no CARRIERS"),
        ("registry.signals", {"CARRIERS": ("html",)}, "has no read"),
        ("registry.signals", GOOD | {"CARRIERS": "headers"}, "CARRIERS is not a tuple"),
        ("registry.signals", GOOD | {"HEADERS": ()}, "has no HEADERS"),
        ("registry.signals", GOOD | {"HEADERS": ("X-New",)}, "HEADERS is not"),
        ("registry.signals", GOOD | {"SITE_FILES": ("x",)}, "SITE_FILES is not"),
        ("registry.datasets.formats", {"sureness": print}, "has no open_files"),
        ("registry.datasets.formats", {"open_files": print}, "has no sureness"),
        (
            "registry.fingerprints",
            {"BITS": 64, "SIDE": 32, "VERSION": 1, "compute": print},
            "VERSION is not",
        ),
        ("registry.evidence.xmp", {"recognises": print}, "has no packets"),
        ("registry.urls.variants", {"HINT": ("a",), "picture": print}, "HINT is not"),
    ],
)
def test_a_wrong_form_is_named_with_its_file(package, plugin, word):
    (fault,) = faults(package, "new", SimpleNamespace(**plugin))
    assert word in fault
    assert f"{package.replace('.', '/')}/new.py" in fault
    assert not list(faults("registry.signals", "new", SimpleNamespace(**GOOD)))


def test_an_incomplete_plugin_is_named_in_one_line(tmp_path, monkeypatch):
    """At run time, too: no traceback, whichever command runs."""
    (tmp_path / "toy_rooms").mkdir()
    (tmp_path / "toy_rooms/__init__.py").write_text("")
    (tmp_path / "toy_rooms/new.py").write_text("CARRIERS = ()")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginIncomplete, match=r"^toy_rooms/new\.py has no read and no write$"):
        discover("toy_rooms", ("CARRIERS", "read", "write"))
    assert set(discover("toy_rooms", ("CARRIERS",))) == {"new"}


ASKED = {
    "registry.signals": signals.readers.__wrapped__,
    "registry.datasets.formats": lambda: datasets.open_dataset([__file__]),
    "registry.fingerprints": fingerprints.algorithms.__wrapped__,
    "registry.evidence.xmp": xmp.containers.__wrapped__,
    "registry.urls.variants": variants.plugins.__wrapped__,
}


@pytest.mark.parametrize(
    ("package", "need"), [(package, need) for package in NEEDED for need in NEEDED[package]]
)
def test_every_folder_names_its_incomplete_plugin(package, need, monkeypatch):
    name, plugin = next(iter(discover(package).items()))
    monkeypatch.delattr(plugin, need)
    with pytest.raises(PluginIncomplete, match=f"/{name}.py has no {need}$"):
        ASKED[package]()


@pytest.mark.parametrize("name", READERS)
def test_reader_has_vectors(name):
    path = VECTORS / f"{name}.jsonl"
    assert path.is_file(), f"write {path.name}: evidence lines with what is expected of {name}"
    assert path.read_text("utf-8").strip(), f"{path.name} is empty"


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.jsonl")), ids=lambda path: path.name)
def test_vectors_have_a_reader(path):
    assert path.stem in READERS


@pytest.mark.parametrize("name", READERS)
def test_reader_has_a_reference_page(name):
    page = READERS[name].__doc__ or ""
    assert len(page.splitlines()) >= 5, "the docstring is the reference page"
