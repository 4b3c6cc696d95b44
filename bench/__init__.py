"""Benchmarks: each file is one command, `python -m bench.NAME`. Results are in docs/."""
