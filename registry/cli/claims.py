"""`registry claims`: list and withdraw imported claims."""

from __future__ import annotations

import re
from typing import Any

import click

from registry.cli._claims import claim_json, claim_text
from registry.errors import UsageError
from registry.terminal import say, show, show_json

LIMIT = 100


def _number(name: str) -> int:
    """Return the number in a claim's id (`7` or `claim:7`); raise UsageError for other text."""
    named = re.fullmatch(r"(?:claim:)?([0-9]{1,18})", name, re.ASCII)
    if named is None:
        raise UsageError(f"{name!r} is not the id of a claim", "write it as 7 or claim:7")
    return int(named[1])


@click.group("claims")
def command() -> None:
    """List and withdraw imported claims."""


@command.command("list")
@click.option("--source", help="Only claims of this source.")
@click.option("--withdrawn", is_flag=True, help="Only claims that are withdrawn.")
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=LIMIT,
    show_default=True,
    help="Most claims to list.",
)
@click.option("--after", metavar="ID", default="0", help="Start after the claim with this id.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per claim.")
def list_command(source: str | None, withdrawn: bool, limit: int, after: str, as_json: bool) -> int:
    """List claims by id, with the times they were imported and withdrawn.

    Exit codes: 0 claims are listed; 1 there are none.

    \b
    Example:
      registry claims list --source "artists' list"
    """
    from registry.db.claims import list_claims
    from registry.db.connect import connect

    first = _number(after)
    with connect() as conn:
        claims = list_claims(conn, source=source, withdrawn=withdrawn, after=first, limit=limit + 1)
    for stored in claims[:limit]:
        if as_json:
            show_json(claim_json(stored))
        else:
            show(*claim_text(stored))
    if len(claims) > limit:
        say(f"there are more: --after {claims[limit - 1].id}")
    elif not claims:
        say("no such claims")
    return 0 if claims else 1


@command.command("withdraw")
@click.option("--source", help="Withdraw all claims of this source.")
@click.option("--id", "ids", metavar="ID", multiple=True, help="Withdraw this claim. Repeatable.")
@click.option("--reason", help="The reason; it is stored with the claims.")
@click.option(
    "--yes", is_flag=True, help="Needed with --source; without it, the claims are only counted."
)
@click.option("--json", "as_json", is_flag=True, help="Print the count as JSON.")
def withdraw(
    source: str | None, ids: tuple[str, ...], reason: str | None, yes: bool, as_json: bool
) -> int:
    """Withdraw claims: the next snapshot leaves them out.

    Checks with that snapshot no longer count them. The database keeps them, and
    importing a claim again restores it.

    \b
    Exit codes: 0 withdrawn; 1 nothing to withdraw; 2 wrong usage, or --yes is missing.

    \b
    Example:
      registry claims withdraw --source "artists' list" --reason "the artist asked" --yes
    """
    from registry.db.claims import withdraw_ids
    from registry.db.connect import connect

    if (source is None) == (not ids):
        raise UsageError("name either --source or --id", "registry claims withdraw --help")
    numbers = [_number(name) for name in ids]
    with connect() as conn:
        if source is None:
            count = withdraw_ids(conn, numbers, reason)
        else:
            count = _withdraw_source(conn, source, reason, yes)
    say(f"{count:,} claims withdrawn")
    if count:
        say("`registry snapshot build` leaves them out of the next snapshot")
    if as_json:
        show_json({"withdrawn": count})
    return 0 if count else 1


def _withdraw_source(conn: Any, source: str, reason: str | None, yes: bool) -> int:
    """Withdraw all claims of a source, and return their number; raise UsageError without `yes`."""
    from registry.db.claims import count_current, withdraw_source

    if not yes and (count := count_current(conn, source)):
        raise UsageError(f"{count:,} claims of {source} would be withdrawn", "add --yes to do it")
    return withdraw_source(conn, source, reason)
