"""Snapshots: immutable, numbered exports of the registry that a check reads."""
