"""A text of CSV in memory, as a table."""

from __future__ import annotations

import ast
import signal
import threading
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv

import registry
from registry.arrow_csv import read_block

ROOT = Path(registry.__file__).parent
CONVERT = csv.ConvertOptions(column_types={"a": pa.string(), "b": pa.string()})


def test_the_first_line_is_a_row() -> None:
    table = read_block(b"1,2\n3,4\n", ["a", "b"], csv.ParseOptions(), CONVERT)
    assert table.to_pydict() == {"a": ["1", "3"], "b": ["2", "4"]}


def test_a_text_longer_than_arrows_usual_block_is_one_block() -> None:
    data = b'"%s",2\n' % (b"x\n" * (2 << 20))
    table = read_block(
        data + b"3,4\n", ["a", "b"], csv.ParseOptions(newlines_in_values=True), CONVERT
    )
    assert [column.num_chunks for column in table.columns] == [1, 1]
    assert table["b"].to_pylist() == ["2", "4"]


@pytest.mark.parametrize("data", [b"", b"1,2\n3\n", b"1,2\n3,4,5\n"])
def test_empty_and_ragged_texts_are_errors(data: bytes) -> None:
    with pytest.raises(pa.ArrowInvalid):
        read_block(data, ["a", "b"], csv.ParseOptions(), CONVERT)


def test_a_signal_is_pythons_while_it_reads() -> None:
    """Arrow's own handler loses a signal now and then: it must never be the one in force."""
    data = b"1,2\n" * 200_000
    received = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: received.set())
    main = threading.get_ident()
    again = threading.Event()

    def send() -> None:
        while not again.wait(0.001):
            signal.pthread_kill(main, signal.SIGINT)

    sender = threading.Thread(target=send)
    try:
        sender.start()
        for _ in range(20):
            assert read_block(data, ["a", "b"], csv.ParseOptions(), CONVERT).num_rows == 200_000
    finally:
        again.set()
        sender.join()
        signal.signal(signal.SIGINT, before)
    assert received.is_set()


def test_no_other_module_lets_arrow_handle_signals() -> None:
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text())
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert "read_csv" not in names, path
