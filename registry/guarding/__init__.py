"""Filters of training data: `registry.guard` passes on the rows that a check may keep.

Rows of Python programs become batches (`values`, `rows`, `samples`), which are checked as those of
files are (`row_check`); `hugging_face` and `guarded` know the datasets of other packages.
"""
