"""No layout of a dataset is answered wrongly: found, or unchecked, or refused with a hint."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from layout_parts import RESERVED, ROWS, Layout, registry_of_works
from layouts import LAYOUTS

from registry.checking.plan import plan
from registry.checking.run import CheckOptions, check
from registry.datasets import open_dataset
from registry.errors import UnreadableDataset


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory):
    return registry_of_works(tmp_path_factory.mktemp("registry"))


@pytest.mark.parametrize("case", LAYOUTS, ids=lambda case: case.name)
def test_layout(case: Layout, tmp_path: Path, snapshot):
    dataset = str(case.write(tmp_path)).replace("ftp:/", "ftp://")
    if case.answer in ("refused", "asked"):
        with pytest.raises(UnreadableDataset) as caught:
            plan(open_dataset([dataset]))
        assert caught.value.exit_code == 4
        assert caught.value.hint
        assert case.answer == "refused" or "--column " in caught.value.hint
        return
    opened = open_dataset([dataset])
    out = tmp_path / "rows.parquet"
    report = check(opened, snapshot, plan(opened), CheckOptions(out=out, workers=1))
    outcomes = pq.read_table(out)["optout_outcome"].to_pylist()
    assert len(outcomes) == ROWS
    assert {row for row, outcome in enumerate(outcomes) if outcome == "clear"}.isdisjoint(RESERVED)
    assert {row for row, outcome in enumerate(outcomes) if outcome == "reserved"} <= {*RESERVED}
    if case.answer == "all":
        assert outcomes == ["reserved" if n in RESERVED else "clear" for n in range(ROWS)]
        assert report.exit_code == 1
    else:
        assert report.tally.unchecked
        assert report.exit_code in (1, 3)


def test_there_are_at_least_49_of_them():
    assert len(LAYOUTS) >= 49
    assert len({case.name for case in LAYOUTS}) == len(LAYOUTS)
