"""Several URLs in one value, with the sizes of a page's `srcset`: a row that is never clear."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import registry
from registry.errors import UsageError

FREE, ART = "https://free.example/1.jpg", "https://art.example/1.jpg"
VALUES = [
    f"{FREE} 1x, {ART} 2x",
    f"{ART} 2x",
    f"{FREE} 300w,{ART} 1200w",
    f"{FREE}  1.5x ,  {ART}",
    f"{FREE}, {ART}",
]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", ["url", "srcset"])
def test_sizes_behind_urls_hide_none_of_them(tmp_path, art_snapshot, value, name):
    columns = {"image_url": [FREE] * 9} if name == "srcset" else {}
    table = pa.table({**columns, name: [FREE] * 8 + [value]})
    pq.write_table(table, tmp_path / "d.parquet")
    report = registry.check(tmp_path / "d.parquet", art_snapshot)
    outcomes = report.tally.outcomes
    assert (outcomes["clear"], outcomes["reserved"] + outcomes["unchecked"]) == (8, 1)


def test_a_text_that_ends_like_a_size_is_none(tmp_path, art_snapshot):
    table = pa.table({"url": [FREE] * 2, "text": ["a cat, 2x", "3 x"]})
    pq.write_table(table, tmp_path / "d.parquet")
    assert registry.check(tmp_path / "d.parquet", art_snapshot).exit_code == 0


@pytest.mark.parametrize("keep", ["clear", ["cleer"], ["clear"]])
def test_what_cannot_be_kept_is_refused(tmp_path, art_snapshot, keep):
    pq.write_table(pa.table({"url": [FREE]}), tmp_path / "d.parquet")
    out = None if keep == ["clear"] else tmp_path / "kept.parquet"
    with pytest.raises(UsageError, match="keep"):
        registry.check(tmp_path / "d.parquet", art_snapshot, keep=keep, out=out)
    assert not (tmp_path / "kept.parquet").exists()
