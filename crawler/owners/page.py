"""The pages for site owners as HTML (pure): no scripts, no external resources.

Links are relative: the pages may be served under any path that ends with a slash.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from html import escape

from crawler.owners._style import STYLE
from crawler.owners.hosts import MOST_REASON
from registry.text import visible

# Longest host name of DNS, and room for the rest of a URL.
MOST_HOST = 500
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
# The Content-Security-Policy of every page: its own style and form, nothing else.
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class About:
    """The crawler. `least_delay` in seconds; `most_hosts` is the limit of a sender in a day."""

    token: str
    user_agent: str
    contact: str
    least_delay: float
    most_hosts: int


def front(about: About, *, host: str = "", reason: str = "", fault: str = "") -> str:
    """Return the front page; with a `fault`, the form is filled and says it."""
    parts = (_what(about), _manners(about), _robots(about), _form(about, host, reason, fault))
    title = "The form was not accepted" if fault else f"{about.token}, a web crawler"
    return _page(title, f"<h1>{escape(about.token)}</h1>\n" + "\n".join(parts))


def refused(about: About, host: str, *, is_new: bool) -> str:
    """Return the page after a host was refused; if not `is_new`, it was refused before."""
    token, shown = escape(about.token), _shown(host)
    state = "is now on the list" if is_new else "was on the list already"
    twin = host.removeprefix("www.")
    more = f", such as <code>{_shown(twin)}</code>" if twin != host else ""
    return _page(
        f"{host} {state}",
        f"<h1><code>{shown}</code> {state}</h1>\n"
        f"<p>{token} sends no more requests to this host and its subdomains. A visit in progress "
        f"stops with its next request.</p>\n"
        f"<p>If your site has other host names{more}, name them, too.</p>\n"
        f"<p>To be visited again, write to {_contact(about)}.</p>\n"
        '<p><a href="./">Back</a></p>',
    )


def short(title: str, text: str) -> str:
    """Return a page with one sentence, such as an error."""
    body = f'<h1>{_shown(title)}</h1>\n<p>{_shown(text)}</p>\n<p><a href="./">Back</a></p>'
    return _page(title, body)


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{_shown(title)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main>\n{body}\n</main></body></html>\n"
    )


def _shown(text: str) -> str:
    """Return other people's text for the page, with HTML and control characters escaped."""
    return escape(visible(text))


def _contact(about: About) -> str:
    shown = _shown(about.contact.removeprefix("mailto:"))
    return f'<a href="{_shown(about.contact)}">{shown}</a>'


def _what(about: About) -> str:
    return (
        "<p>This page is for owners of web sites: what this crawler is, and how to stop it.</p>\n"
        "<h2>What it is</h2>\n"
        "<p>The crawler reads the marks by which sites and artists reserve their pictures against "
        "AI training. They are kept in a registry, with which people who build datasets find and "
        "leave out these pictures. The crawler trains no AI.</p>\n"
        "<p>Each of its requests has this header line:</p>\n"
        f"<pre>User-Agent: {_shown(about.user_agent)}</pre>\n"
        f"<p>Contact: {_contact(about)}</p>\n"
        "<h2>What it reads and keeps</h2>\n<ul>\n"
        "<li>Pages: the address, header lines, and the tags that can hold marks. Pages are not "
        "kept.</li>\n"
        "<li>robots.txt and similar files, such as tdmrep.json and ai.txt: the text.</li>\n"
        "<li>Pictures: each is fetched, hashed and deleted. Kept are its address, size, hashes, "
        "header lines and the marks in the file, never the picture.</li>\n</ul>"
    )


def _manners(about: About) -> str:
    return (
        "<h2>How fast it is</h2>\n"
        "<p>A host gets one request at a time, and at least "
        f"{about.least_delay:g} seconds pass between the starts of two. A longer "
        "<code>Crawl-delay</code> in robots.txt (up to 60 seconds) and <code>Retry-After</code> "
        "are obeyed.</p>"
    )


def _robots(about: About) -> str:
    token = escape(about.token)
    return (
        "<h2>How to stop it</h2>\n<h3>With robots.txt</h3>\n"
        "<p>The crawler reads <code>/robots.txt</code> first on every host, at each visit, and "
        "always obeys it. To stop it, add:</p>\n"
        f"<pre>User-agent: {token}\nDisallow: /</pre>\n"
        f"<p>To slow it down to a request in 10 seconds, add:</p>\n"
        f"<pre>User-agent: {token}\nCrawl-delay: 10</pre>"
    )


def _form(about: About, host: str, reason: str, fault: str) -> str:
    told = invalid = ""
    if fault:
        told = f'<p class="fault" role="alert" id="fault">{_shown(fault)}</p>\n'
        invalid = ' aria-invalid="true" aria-describedby="fault"'
    return (
        "<h3>With this form</h3>\n"
        "<p>The host, with its subdomains, gets no more requests. You need not prove that it is "
        "yours: the operator sees each entry with its sender, and takes out those that no "
        f"owner asked for. At most {about.most_hosts} hosts a day are taken from one sender.</p>\n"
        f'{told}<form method="post" action="refuse">\n'
        '<label for="host">Host, such as gallery.example</label>\n'
        f'<input id="host" name="host" required maxlength="{MOST_HOST}" autocapitalize="none" '
        f'autocomplete="off" spellcheck="false" value="{_shown(host)}"{invalid}>\n'
        '<label for="reason">Reason (optional)</label>\n'
        f'<input id="reason" name="reason" maxlength="{MOST_REASON}" autocomplete="off" '
        f'value="{_shown(reason)}">\n'
        "<button>Stop visits</button>\n</form>\n"
        '<p class="soft">The form keeps the host, the reason, the time and your network address; '
        "the operator can read them. Marks that were recorded before stay recorded, so your "
        "pictures stay reserved; marks that you add later are not seen.</p>"
    )
