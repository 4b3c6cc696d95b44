"""Lets days pass in a registry's database, so that visits are due without waiting for them."""

from __future__ import annotations

import psycopg

_TIMES = {
    "schedule": ("next_due_at", "pages_due_at"),
    "known_page": ("asked_at",),
    "known_guide": ("read_at",),
    "visit": ("started_at", "finished_at"),
}


def pass_days(conn: psycopg.Connection, days: float) -> None:
    """Move all that schedules and visits remember into the past by so many days."""
    for table, columns in _TIMES.items():
        moved = ", ".join(f"{name} = {name} - make_interval(secs => %(s)s)" for name in columns)
        conn.execute(f"UPDATE {table} SET {moved}", {"s": days * 86_400})
