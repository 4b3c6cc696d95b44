"""Every layout of datasets with known truth: import this to have them all in LAYOUTS."""

import layouts_archives
import layouts_files
import layouts_forms
import layouts_keys
import layouts_strays
import layouts_tables
from layout_parts import LAYOUTS

__all__ = [
    "LAYOUTS",
    "layouts_archives",
    "layouts_files",
    "layouts_forms",
    "layouts_keys",
    "layouts_strays",
    "layouts_tables",
]
