"""Braces in names of shards stand for the names that braceexpand and shells make of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.datasets import open_dataset
from registry.datasets.braces import MOST, expanded
from registry.datasets.hidden import UNREAD
from registry.errors import UnreadableDataset, UsageError

# What bash and the package braceexpand, which webdataset uses, make of them.
EXPANDED = {
    "a.tar": ["a.tar"],
    "{00000..00002}.tar": ["00000.tar", "00001.tar", "00002.tar"],
    "{train,val}-{000..001}.tar": ["train-000.tar", "train-001.tar", "val-000.tar", "val-001.tar"],
    "{0..3}": ["0", "1", "2", "3"],
    "{8..011}": ["008", "009", "010", "011"],
    "{3..1}": ["3", "2", "1"],
    "{0..10..3}": ["0", "3", "6", "9"],
    "{10..0..3}": ["10", "7", "4", "1"],
    "{-01..1}": ["-01", "000", "001"],
    "{a,b{1..3}}": ["a", "b1", "b2", "b3"],
    "{a,{b,c}d}e": ["ae", "bde", "cde"],
    "{{a,b}}": ["{a}", "{b}"],
    "{,a}": ["", "a"],
    "{}": ["{}"],
    "{a}": ["{a}"],
    "{1,2}{a}{3,4}": ["1{a}3", "1{a}4", "2{a}3", "2{a}4"],
    "{a,b": ["{a,b"],
    "x}{1,2}": ["x}1", "x}2"],
}


@pytest.mark.parametrize("pattern", EXPANDED)
def test_names_are_those_that_a_shell_makes(pattern):
    assert expanded(pattern) == EXPANDED[pattern]


@given(st.text(st.sampled_from("{},.01a"), max_size=14))
def test_any_pattern_has_a_name_and_plain_text_is_itself(pattern):
    names = expanded(pattern)
    assert names
    if "{" not in pattern or "}" not in pattern:
        assert names == [pattern]


def test_too_many_names_are_not_made():
    assert len(expanded("{0..99999999999}")) == MOST + 1
    with pytest.raises(UsageError, match="more than 1,000,000 names"):
        open_dataset(["no-{0..99999999999}.tar"])


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_missing_file_of_a_range_is_a_row_that_names_it(tmp_path, suffix):
    content = {"csv": "url\nhttps://a.example/1.jpg\n", "jsonl": '{"url": "https://a.example/1"}'}
    for number in (0, 2):
        (tmp_path / f"{number:02d}.{suffix}").write_text(content[suffix])
    dataset = open_dataset([str(tmp_path / f"{{00..02}}.{suffix}")])
    rows = [row for batch in dataset.batches() for row in batch.to_pylist()]
    assert len(rows) == 3
    assert f"01.{suffix}" in rows[1][UNREAD]
    # Without braces a missing file is an error, and so is a range without any file.
    for name in (f"01.{suffix}", f"{{03..05}}.{suffix}", f"{{a,b}}*.{suffix}"):
        with pytest.raises(UnreadableDataset, match=r"does not exist|no file matches"):
            open_dataset([str(tmp_path / name)])


def test_braces_and_wildcards_go_together_and_a_file_of_that_name_comes_first(tmp_path):
    for name in ("a-1.csv", "b-1.csv", "b-2.csv", "{a,b}-9.csv"):
        (tmp_path / name).write_text(f"url\nhttps://a.example/{name[0]}\n")
    files = open_dataset([str(tmp_path / "{b,a}-*.csv")]).files
    assert [file.name for file in files] == ["b-1.csv", "b-2.csv", "a-1.csv"]
    assert [file.name for file in open_dataset([str(tmp_path / "{a,b}-9.csv")]).files] == [
        "{a,b}-9.csv"
    ]
