"""Names in archives that lead out of the folder in which they are unpacked."""

import pytest

from registry.datasets.archive_names import leads_out


@pytest.mark.parametrize("name", ["../a.jpg", "a/../../b.jpg", "/a.jpg", "C:\\a.jpg", "..\\a.jpg"])
def test_names_that_lead_out(name):
    assert leads_out(name)


@pytest.mark.parametrize("name", ["a.jpg", "./a.jpg", "a..b/..c.jpg", "a/b/c.jpg", "ab:c.jpg"])
def test_names_that_stay(name):
    assert not leads_out(name)
