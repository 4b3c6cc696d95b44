"""`crawler owners`: serve the page for site owners."""

from __future__ import annotations

import click

from crawler.cli._address import Address, url_of
from registry.terminal import say


@click.command("owners")
@click.option(
    "--listen",
    type=Address(),
    metavar="HOST:PORT",
    default="127.0.0.1:8077",
    show_default=True,
    help="Address to serve on; port 0 takes a free one.",
)
@click.option(
    "--behind-proxy",
    is_flag=True,
    help="Take the sender's address from the last entry of X-Forwarded-For.",
)
def command(listen: tuple[str, int], behind_proxy: bool) -> None:
    """Serve the page for site owners: what the crawler is, and how to stop it.

    The page is at `/`. Its form adds a host to the list of `crawler refuse`, at most 10 a day
    for one sender. CRAWLER_CONTACT is needed as for `crawler run`, and may be the address of
    this page. It ends at SIGTERM or Ctrl-C. To the internet it goes through a proxy that
    brings TLS; or another WSGI server serves `crawler.owners.app:application()`.

    Exit codes: 0 stopped by a signal; 2 wrong usage; 3 the database or the address is
    unavailable.

    \b
    Example:
        CRAWLER_CONTACT=https://example.org/crawler/ crawler owners --behind-proxy
    """
    from crawler.owners.app import application
    from crawler.owners.server import serve
    from registry.db.connect import connect

    page = application(behind_proxy=behind_proxy)
    with connect():
        # An absent database is reported now, not to the first owner.
        pass
    host, port = listen

    def started(port: int) -> None:
        say(f"serving {url_of(host, port)}/")

    serve(page, host, port, started)
