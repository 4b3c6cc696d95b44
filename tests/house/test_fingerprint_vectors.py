"""Every fingerprint algorithm has vectors, and gives them in the version that gave them first."""

import ast
import json
import re

import pytest
from sources import ROOT, hold, modules, within

from registry.fingerprints import algorithms, file_digests
from registry.model import DIGESTS, HASH_BYTES
from registry.pictures.reading import fingerprint_file

FOLDER = ROOT / "tests/vectors/fingerprints"


def vectors(name: str) -> list[dict[str, str]]:
    """Return the vectors of an algorithm: `file` from the root, `version`, `full` or `unfit`."""
    path = FOLDER / f"{name}.jsonl"
    assert path.is_file(), f"write {path}: a few pictures of demo/site and what {name} gives them"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("name", algorithms())
def test_vectors_hold(name):
    version = algorithms()[name].version
    for vector in vectors(name):
        picture = fingerprint_file(ROOT / vector["file"])
        given = picture.fingerprints.get(name, {}).get("full")
        assert (given, picture.unfit) == (vector.get("full"), vector.get("unfit")), (
            f"{name} gives {vector['file']} another hash than version {vector['version']} did; "
            "a change of what an algorithm computes is a new version"
        )
        assert vector["version"] == version, f"{name} is {version} now: make its vectors anew"


@pytest.mark.parametrize("name", algorithms())
def test_vectors_show_the_form(name):
    bits, hashes = algorithms()[name].bits, [v["full"] for v in vectors(name) if "full" in v]
    assert len(hashes) >= 5
    assert len(set(hashes)) == len(hashes), "vectors that agree show nothing"
    assert {len(one) for one in hashes} == {bits // 4}
    assert any("unfit" in v for v in vectors(name)), "one picture has no fingerprint, and says why"


def test_vectors_belong_to_an_algorithm():
    assert {path.stem for path in FOLDER.iterdir()} == set(algorithms())


def test_lengths_are_those_of_the_words():
    """`HASH_BYTES` is the one table of lengths; an algorithm in it has as many bits."""
    for name, algorithm in algorithms().items():
        assert HASH_BYTES.get(name, algorithm.bits // 8) * 8 == algorithm.bits
    for name, digest in zip(DIGESTS, file_digests(b""), strict=True):
        assert len(digest) == 2 * HASH_BYTES[name]


# A count of hex or binary digits, or of base64 characters, that only a hash has.
LENGTH = re.compile(r"\]\{(?:11|16|22|32|43|64)\}")


def written_lengths(tree: ast.AST) -> list[int]:
    """Return the lines of texts in which the length of a hash stands as a number."""
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return [
        node.lineno
        for node in texts
        if isinstance(node.value, str | bytes)
        and LENGTH.search(
            node.value if isinstance(node.value, str) else node.value.decode("latin-1")
        )
    ]


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ('re.compile(r"[0-9a-f]{64}")', True),
        ('re.compile(rb"[0-9a-fA-F]{16}")', True),
        ('f"{mark}[0-9a-f]{{32}}"', True),
        ('f"[0-9a-f]{{{size}}}"', False),
        ('"[0-9a-f]{4}"', False),
    ],
)
def test_a_written_length_is_found(line, is_found):
    assert bool(written_lengths(ast.parse(line))) == is_found


def test_no_pattern_writes_the_length_of_a_hash():
    wrong = [
        f"{module.path}:{line}"
        for module in modules("registry", "crawler")
        # Lengths in the formats of image files are theirs.
        if not within(module.name, "registry.evidence.xmp")
        for line in written_lengths(module.tree)
    ]
    hold(wrong, "the length of a hash is HASH_BYTES of registry/model.py", "use hex_pattern")
