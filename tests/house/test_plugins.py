"""A plug-in is one code file and one fixture: this holds the two together."""

from pathlib import Path

import pytest

from registry.signals import readers

VECTORS = Path(__file__).parent.parent / "vectors"


@pytest.mark.parametrize("name", readers())
def test_reader_has_vectors(name):
    path = VECTORS / f"{name}.jsonl"
    assert path.is_file(), f"write {path.name}: evidence lines with what is expected of {name}"
    assert path.read_text("utf-8").strip(), f"{path.name} is empty"


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.jsonl")), ids=lambda path: path.name)
def test_vectors_have_a_reader(path):
    assert path.stem in readers()


@pytest.mark.parametrize("name", readers())
def test_reader_has_the_readers_form(name):
    reader = readers()[name]
    assert isinstance(reader.CARRIERS, tuple)
    assert reader.CARRIERS
    assert callable(reader.read)
    assert len(reader.__doc__.splitlines()) >= 5, "the docstring is the reference page"
