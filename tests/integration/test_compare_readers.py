"""What the comparison gives its peers holds the vectors' marks, and it counts right."""

import pytest

pytest.importorskip("c2pa", reason="needs the extra c2pa")

from bench.compare_readers import Pictures, given_of
from bench.comparison_tables import PLAIN, Case, counts, shares, shown
from registry.evidence.content_credentials import read as read_credentials
from registry.evidence.xmp import read_file_metadata
from registry.explain.evidence_lines import answer
from registry.explain.selftest import load, shipped

HEADERS = [["X-Robots-Tag", "NoAI"]]


@pytest.fixture(scope="module")
def pictures():
    return Pictures()


def made(pictures, kind):
    """Yield each vector of a kind with its file, where one can be made."""
    for vector in (v for path in shipped() for v in load(path) if v["kind"] == kind):
        try:
            yield vector, pictures.of(vector)
        except (ValueError, RecursionError):
            continue


def test_files_hold_the_packet_of_their_vector(pictures):
    found = list(made(pictures, "xmp"))
    assert len(found) > 50
    for vector, file in found:
        pieces = read_file_metadata(file, "").evidence
        assert "".join(piece.text for piece in pieces) == vector["input"], vector["id"]


def test_files_are_signed_with_the_marks_of_their_vector(pictures):
    found = list(made(pictures, "c2pa-json"))
    assert len(found) > 15
    for vector, file in found:
        (piece,), _ = read_credentials(file)
        decisions = [
            answer({**vector, "input": text}, policy)["train"]
            for text in (vector["input"], piece.text)
            for policy in ("letter", "cautious")
        ]
        # The test's signer is trusted by nobody, so permissions do not count.
        as_made = [d if d in {"reserved", "conditional"} else "silent" for d in decisions]
        assert as_made[:2] == as_made[2:], vector["id"]


@pytest.mark.parametrize(
    ("kind", "said", "lines"),
    [
        ("x-robots-tag", HEADERS, HEADERS),
        ("tdmrep-json", {"headers": HEADERS, "html": "<p>"}, HEADERS),
        ("tdmrep-json", "[]", []),
        ("robots-txt", "User-agent: *\nDisallow: /", []),
    ],
)
def test_peers_get_the_header_lines_there_are(pictures, tmp_path, kind, said, lines):
    vector = {"kind": kind, "input": said, "context": {"image_url": "https://a.example/a.jpg"}}
    given = given_of(vector, pictures, tmp_path)
    assert given["headers"] == [*PLAIN, *lines]
    assert given["file"] is None


def case(documents, letter, cautious, first, second):
    refused = {"documents": documents, "letter": letter, "cautious": cautious}
    refused |= {"datadiligence": first, "img2dataset": second, "img2dataset, noai alone": second}
    vector = {"kind": "x-robots-tag", "input": HEADERS}
    given = {"headers": [*PLAIN, *HEADERS], "agent": None}
    return Case(vector, given, refused, {})


CASES = [
    case(True, True, True, False, True),
    case(True, False, True, True, True),
    case(False, False, True, True, False),
    case(False, False, False, False, True),
    case(False, False, False, False, False),
]


def test_counting():
    assert counts(CASES) == ["5", "2", "1", "2", "1", "2", "1", "1 + 0", "0 + 1"]


def test_shares():
    row = shares(CASES).splitlines()[2]
    assert "| 3 of 5 (60 %) | 3 of 4 (75 %) |" in row
    assert row.endswith("| 3 of 5 (60 %) | 4 of 5 (80 %) |")


def test_values_are_shown_safely():
    assert shown([["X", "a|b\x1b"]]) == "`X: a\\|b\\x1b`"
