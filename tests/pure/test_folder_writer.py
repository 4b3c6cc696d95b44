"""A folder of kept rows: what its errors name."""

import pytest

from registry.datasets.folder_writer import FolderWriter
from registry.errors import UnwritableOutput


def test_an_error_names_the_file_as_it_would_have_been_named(tmp_path):
    def full(number, path):
        raise UnwritableOutput(f"{path} cannot be written: the disk is full", None)

    writer = FolderWriter(tmp_path / "kept", ["0.tar"], full)
    with pytest.raises(UnwritableOutput) as caught:
        writer.close()
    writer.abandon()
    assert caught.value.message == f"{tmp_path}/kept/0.tar cannot be written: the disk is full"
    assert not list(tmp_path.iterdir())
