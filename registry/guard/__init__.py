"""One process pool for everything that outsiders' bytes may crash, hang or bloat.

A function that is to be guarded is named in a `Work`, with its limits for every
single call. A call answers with a value, or with the failure that ended it:
`timeout`, `out-of-memory` or `crashed`. A failure costs that call alone.
"""

from registry.guard.pool import Answer, Failure, Pool
from registry.guard.work import Limits, Work

__all__ = ["Answer", "Failure", "Limits", "Pool", "Work"]
