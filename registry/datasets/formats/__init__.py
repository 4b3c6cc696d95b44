"""The formats of datasets, one file each."""
