"""`crawler sites`: list the spiders."""

from __future__ import annotations

import click

from registry.terminal import show, show_json


@click.command("sites")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> None:
    """List the spiders that `crawler run` can use."""
    from crawler.plan import spiders

    abouts = {name: spider.about for name, spider in spiders().items()}
    if as_json:
        show_json(abouts, indent=2)
        return
    for name, about in abouts.items():
        show(f"{name:<16} {about}")
