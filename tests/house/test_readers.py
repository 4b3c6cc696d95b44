"""A reader's docstring is its reference page; what it declares of its vocabulary is so."""

import json
import re
from types import SimpleNamespace
from typing import get_args

import pytest
from sources import ROOT, hold

from registry.evidence.carriers import Carrier
from registry.explain import evidence_lines
from registry.explain.evidence_lines import TEXT_KINDS
from registry.model import USES, Conformance, Meaning, Reading, Scope, Signal
from registry.signals import readers, vocabularies_with

PARTS = ("Refuses", "Where", "Example", "Grammar", "What it says", "Decisions", "Source")


@pytest.mark.parametrize("name", readers())
def test_page_has_its_parts(name):
    page = readers()[name].__doc__
    missing = [part for part in PARTS if not re.search(rf"^{part}s?:", page, re.MULTILINE)]
    hold(
        [f"registry/signals/{name}.py has no paragraph `{part}:`" for part in missing],
        "a reader's docstring says: " + ", ".join(PARTS),
        "write the paragraph; registry/signals/x_robots_tag.py shows the form",
    )


@pytest.mark.parametrize("name", readers())
def test_reader_takes_the_kinds_there_are(name):
    assert set(readers()[name].CARRIERS) <= {"headers", *TEXT_KINDS}


def readings(name, reader):
    """Yield the result of a reader for each of its vectors that has its carriers."""
    vectors = (ROOT / f"tests/vectors/{name}.jsonl").read_text("utf-8")
    for line in map(json.loads, vectors.splitlines()):
        with pytest.MonkeyPatch.context() as patch:
            given = []
            patch.setattr(
                evidence_lines, "read", lambda e, given=given: given.append(e) or Reading()
            )
            evidence_lines.read_line(line)
        yield from (reader.read(e) for e in given if e.carrier in reader.CARRIERS)


def faults(name, reader, results):
    """Yield what is wrong with the results of a reader, each after its file."""
    file = f"registry/signals/{name}.py"
    declared = getattr(reader, "VOCABULARY", name.replace("_", "-"))
    known = {
        # By that name its flags are found.
        "vocabulary": (declared,),
        "carrier": reader.CARRIERS,
        "scope": get_args(Scope),
        "conformance": get_args(Conformance),
        "use": USES,
        "meaning": get_args(Meaning),
    }
    for result in results:
        if not isinstance(result, Reading):
            yield f"{file}: read returns {type(result).__name__}, not a Reading"
            continue
        for word, value in (pair for signal in result.signals for pair in words_of(signal)):
            if value not in known[word]:
                yield f"{file}: the {word} {value!r} is none of {', '.join(known[word])}"


def words_of(signal):
    """Yield the words of a signal, each after its kind."""
    for word in ("vocabulary", "carrier", "scope", "conformance"):
        yield word, getattr(signal, word)
    for use, meaning in signal.uses:
        yield from (("use", use), ("meaning", meaning))


@pytest.mark.parametrize("name", readers())
def test_results_have_the_words_there_are(name):
    reader = readers()[name]
    wrong = dict.fromkeys(faults(name, reader, readings(name, reader)))
    hold(wrong, "a reader returns a Reading, in the words of registry/model.py", "correct it")


def signal(**words):
    given = dict.fromkeys(("name", "vocabulary", "carrier", "scope", "raw", "url"), "x")
    given |= {"vocabulary": "new", "carrier": "html", "scope": "page"}
    return Signal(**given | {"uses": (("train", "reserved"),)} | words)


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (None, "read returns NoneType, not a Reading"),
        (signal(uses=(("trian", "reserved"),)), "the use 'trian' is none of train, "),
        (signal(uses=(("train", "no"),)), "the meaning 'no' is none of reserved, "),
        (signal(scope="all"), "the scope 'all' is none of "),
        (signal(conformance="bad"), "the conformance 'bad' is none of ok, "),
        (signal(vocabulary="x"), "the vocabulary 'x' is none of new"),
        (signal(carrier="x"), "the carrier 'x' is none of html"),
    ],
)
def test_a_wrong_result_is_named_with_its_file(result, word):
    reader = SimpleNamespace(CARRIERS=("html",))
    results = [Reading((result,)) if result else None]
    (fault,) = faults("new", reader, results)
    assert fault.startswith("registry/signals/new.py: ")
    assert word in fault
    assert not list(faults("new", reader, [Reading((signal(),)), Reading()]))


def test_flags_are_those_of_the_vocabulary_whoever_reads_it():
    """Two readers are of one vocabulary; one of them says how its marks combine."""
    assert {"x-robots-tag", "robots-meta", "deviantart"} <= vocabularies_with("COVERS_IMAGES")
    assert {"tdmrep", "plus", "content-usage"}.isdisjoint(vocabularies_with("COVERS_IMAGES"))
    assert "content-usage" in vocabularies_with("LICENSABLE")
    assert "cc-signals" not in vocabularies_with("LICENSABLE")


@pytest.mark.parametrize("name", readers())
def test_a_declared_file_is_read_by_its_reader(name):
    reader = readers()[name]
    for row in getattr(reader, "SITE_FILES", ()):
        assert isinstance(row, Carrier)
        assert (row.about, row.name in reader.CARRIERS) == ("site", True)
