"""`registry init`: create or migrate the database."""

from __future__ import annotations

import os

import click

from registry.text import visible


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def command(as_json: bool) -> None:
    """Create or migrate the database.

    REGISTRY_DATABASE_URL names it (PostgreSQL 15 or newer; it must exist).
    Unset, an embedded PostgreSQL is made under REGISTRY_HOME. Running this
    again changes nothing.
    """
    import json

    from registry.db import migrate, schema_version
    from registry.db.connect import connect_to, database_url, parse, where

    url = database_url()
    embedded = not os.environ.get("REGISTRY_DATABASE_URL")
    applied = migrate.migrate(url)
    with connect_to(url) as conn:
        version = str(conn.info.parameter_status("server_version")).split(" ")[0]
        at = schema_version.current(conn)
    kind = "embedded PostgreSQL" if embedded else "PostgreSQL"
    click.echo(f"{kind} {version}: {visible(where(parse(url)))}", err=True)
    for name in applied:
        click.echo(f"applied {name}", err=True)
    if not applied:
        click.echo(f"nothing to do: the schema is at {at}", err=True)
    if as_json:
        done = {"applied": applied, "at": at, "server_version": version, "embedded": embedded}
        click.echo(json.dumps(done))
