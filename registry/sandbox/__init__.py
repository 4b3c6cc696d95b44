"""The process pool for functions that untrusted bytes may crash, hang or bloat.

A `Work` names the function and its limits for each call. The result of a call is a value or
a failure: `timeout`, `out-of-memory` or `crashed`. A failure affects only that call.
"""

from registry.sandbox.pool import CallResult, Failure, Pool
from registry.sandbox.work import CallLimits, Work

__all__ = ["CallLimits", "CallResult", "Failure", "Pool", "Work"]
