"""Whether a loss is larger than the earlier visits of a site explain. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from crawler.monitors import Fall

# A smaller part is never suspicious.
LEAST_SHARE = 0.3
# Nor are fewer things, or fewer of which all are gone.
LEAST_LOST = 5
LEAST_OF_ALL = 3
# A loss is unusual if it is this many deviations from the median of the site's earlier ones.
DEVIATIONS = 3.0
# The median absolute deviation of a normal distribution, times this, is its deviation.
_NORMAL = 1.4826


def is_unexplained(found: Fall, history: Sequence[Fall]) -> bool:
    """Return whether more is missing than the history of a site explains.

    The limit is the median of the earlier shares and three deviations, which one visit with a
    large loss does not move (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993).
    """
    if found.lost < (LEAST_OF_ALL if found.now == 0 else LEAST_LOST):
        return False
    shares = [one.share for one in history if one.before >= LEAST_LOST]
    usual = median(shares) if shares else 0.0
    spread = median(abs(share - usual) for share in shares) if shares else 0.0
    limit = usual + DEVIATIONS * _NORMAL * spread
    # Where all were often missing, nothing is unusual.
    return found.share > max(LEAST_SHARE, limit)
