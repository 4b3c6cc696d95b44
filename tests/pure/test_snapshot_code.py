"""What the digest of the code that builds segments is made of."""

import ast
from pathlib import Path

import registry
from registry.snapshot.code import ROOMS, _files

PACKAGE = Path(registry.__file__).parent
# What these decide is in no segment: texts of errors, and machine code of the same sources.
ELSEWHERE = {"errors", "compiling"}
# The writer of segments and the rows of the database; fingerprints have versions of their own.
WRITERS = {"snapshot", "db/rows.py"}


def imported(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("registry."):
            names.add(str(node.module).split(".")[1])
    return names


def test_all_that_readers_use_is_in_the_digest():
    known = {room.removesuffix(".py") for room in ROOMS} | ELSEWHERE
    for file in _files(PACKAGE):
        room = str(file.relative_to(PACKAGE))
        if file.suffix == ".py" and not any(room.startswith(writer) for writer in WRITERS):
            assert imported(file) <= known, file


def test_data_are_in_the_digest():
    assert PACKAGE / "agents" / "agents.json" in set(_files(PACKAGE))
    assert not [file for file in _files(PACKAGE) if "__pycache__" in str(file)]
