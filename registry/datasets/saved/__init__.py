"""Folders that `datasets` saves: their state and splits, and folders in which rows are kept."""
