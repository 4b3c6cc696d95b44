"""Commands run without pandas, also where it is installed.

pyarrow imports pandas, if there is one, with the first array that it makes of Python's values: a
quarter of the time of a look-up, and 33 MB. No command hands it any value of pandas.
"""

from __future__ import annotations

import sys


class _Without:
    """A finder of modules that finds no pandas, and leaves all others to those behind it."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Raise ModuleNotFoundError for pandas."""
        del path, target
        if name == "pandas":
            raise ModuleNotFoundError("commands run without pandas", name=name)


def leave_pandas_out() -> None:
    """Have `import pandas` fail in this process, which is that of a command."""
    sys.meta_path.insert(0, _Without)
