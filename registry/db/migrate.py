"""Migrates the schema: numbered migrations of plain SQL, run by Alembic.

`NNNN_name.py` names its predecessor and executes `NNNN_name.sql` in the same folder.
"""

from __future__ import annotations

from pathlib import Path

import psycopg

from registry.db.connect import connect_to
from registry.db.schema_version import check, folder, is_behind


def migrate(url: str) -> list[str]:
    """Migrate the database at this libpq URL; return the names of the applied migrations.

    Safe to run from several processes at once. Each migration is a transaction
    of its own, so an interrupted run is continued by the next.
    """
    with connect_to(url) as conn:
        if is_behind(conn):
            return _upgrade(conn)
        check(conn)  # raises MigrationsBehind for migrations of a newer version
        return []


def _upgrade(conn: psycopg.Connection) -> list[str]:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import DBAPIError

    applied: list[str] = []
    # SQLAlchemy only passes the statements on, to the connection that is given.
    conn.autocommit = False
    engine = create_engine("postgresql+psycopg://", creator=lambda: conn, poolclass=NullPool)
    config = Config()
    config.set_main_option("script_location", str(folder()).replace("%", "%%"))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        config.attributes["applied"] = applied
        try:
            command.upgrade(config, "head")
        except DBAPIError as error:
            # `connect_to` translates the driver's own errors only.
            raise (error.orig or error) from None
    return applied


def execute_beside(python_file: str) -> None:
    """Execute the SQL file of a migration, which has the name of its Python file."""
    from alembic import op

    sql = Path(python_file).with_suffix(".sql").read_text(encoding="utf-8")
    # Without parameters psycopg sends the text as it is: many statements, `%` unescaped.
    op.get_bind().exec_driver_sql(sql, execution_options={"no_parameters": True})
