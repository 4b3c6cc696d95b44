"""`registry init`: create or migrate the database."""

from __future__ import annotations

import click

from registry.terminal import say, show_json


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the applied migrations as JSON.")
def command(as_json: bool) -> None:
    """Create or migrate the database.

    REGISTRY_DATABASE_URL names the database (PostgreSQL 15 or newer; it must exist).
    If it is not set, an embedded PostgreSQL under REGISTRY_HOME is used, which every
    command creates and migrates itself. Running this again changes nothing.
    """
    from registry.db import migrate, schema_version
    from registry.db.connect import connect_to, database_url, is_embedded, parse, where

    url = database_url()
    embedded = is_embedded()
    applied = migrate.migrate(url)
    with connect_to(url) as conn:
        version = str(conn.info.parameter_status("server_version")).split(" ")[0]
        at = schema_version.current(conn)
    kind = "embedded PostgreSQL" if embedded else "PostgreSQL"
    say(f"{kind} {version}: {where(parse(url))}")
    for name in applied:
        say(f"applied {name}")
    if not applied:
        say(f"nothing to do: the schema is at {at}")
    if as_json:
        done = {"applied": applied, "at": at, "server_version": version, "embedded": embedded}
        show_json(done)
