"""The crawler's manners as Scrapy gets them."""

import math

import pytest

from crawler.options import Options, VisitLimits
from crawler.record.database import PATIENCE
from crawler.settings import LEAST_DELAY, scrapy_settings
from registry.errors import UsageError


def test_manners_are_on():
    found = scrapy_settings(
        contact="mailto:me@example.org", delay=1.0, timeout=30.0, hosts=["a.example"], verbose=False
    )
    assert found["AUTOTHROTTLE_ENABLED"] is True
    assert found["COOKIES_ENABLED"] is False
    assert found["ROBOTSTXT_OBEY"] is True
    assert found["DOWNLOAD_DELAY"] == 1.0
    assert found["TELNETCONSOLE_ENABLED"] is False
    assert "mailto:me@example.org" in str(found["USER_AGENT"])


def test_other_peoples_sites_are_never_asked_faster_than_twice_a_second():
    assert LEAST_DELAY >= 0.5


def test_a_restart_of_the_database_is_survived():
    assert sum(PATIENCE) >= 5


@pytest.mark.parametrize(
    "numbers",
    [{"delay": math.nan}, {"delay": -1.0}, {"timeout": -5.0}, {"timeout": math.inf}],
)
def test_numbers_out_of_range_are_refused(numbers):
    with pytest.raises(UsageError):
        Options(**numbers)


def test_limits_out_of_range_are_refused():
    with pytest.raises(UsageError):
        Options(VisitLimits(seconds=math.nan))
