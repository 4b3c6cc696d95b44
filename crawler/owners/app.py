"""The page for site owners as a WSGI application, for any WSGI server.

There is no session and no cookie, so a form needs no token to be safe from other sites: it can
do nothing in anybody's name. But another site could send it from its visitors' addresses, and
so avoid the limit of a sender. Browsers say which site sends a form; others' are refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from crawler.owners import page
from crawler.owners.forms import MOST_BYTES, TYPE, Form, form_of, is_from_elsewhere, sender_of
from crawler.owners.hosts import owned_host, reason_text
from crawler.owners.page import About
from crawler.record.refused import MOST_OF_SENDER, refuse_for_page
from crawler.settings import (
    CONTACT_VARIABLE,
    LEAST_DELAY,
    PRODUCT_TOKEN,
    checked_contact,
    user_agent,
)
from registry.errors import ServiceUnavailable, UsageError
from registry.terminal import say

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

# Bytes of a form that is too large that are read: a browser shows no answer before its end.
_MOST_READ = 64 * 1024
HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", page.POLICY),
    ("X-Content-Type-Options", "nosniff"),
    # With less, browsers would not say which site sends a form.
    ("Referrer-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)


class Answer(NamedTuple):
    """The status line, the page, and further header fields."""

    status: str
    body: str
    headers: tuple[tuple[str, str], ...] = ()


class Denied(Exception):
    """A form that is not read, with its answer."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(text)
        self.answer = Answer(status, page.short(status[4:], text))


class OwnersPage:
    """The WSGI application. `behind_proxy` takes the sender's address from X-Forwarded-For."""

    def __init__(self, about: About, *, behind_proxy: bool) -> None:
        self._about = about
        self._behind_proxy = behind_proxy

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request. May be called from many threads at once."""
        answer = self._answer(environ)
        body = answer.body.encode()
        length = ("Content-Length", str(len(body)))
        start_response(answer.status, [*HEADERS, *answer.headers, length])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO") or "/"
        if path not in ("/", "/refuse"):
            return Answer("404 Not Found", page.short("Not Found", "There is no such page."))
        allowed = ("GET", "HEAD") if path == "/" else ("POST",)
        if method not in allowed:
            text = f"This page takes {' and '.join(allowed)} only."
            body = page.short("Method Not Allowed", text)
            return Answer("405 Method Not Allowed", body, (("Allow", ", ".join(allowed)),))
        if path == "/":
            return Answer("200 OK", page.front(self._about))
        try:
            return self._refuse(_received(environ), environ)
        except Denied as denied:
            return denied.answer

    def _refuse(self, form: Form, environ: WSGIEnvironment) -> Answer:
        try:
            host, reason = owned_host(form.host), reason_text(form.reason)
        except UsageError as error:
            fault = f"{error.message} ({error.hint})."
            body = page.front(self._about, host=form.host, reason=form.reason, fault=fault)
            return Answer("400 Bad Request", body)
        sender = sender_of(environ, behind_proxy=self._behind_proxy)
        try:
            outcome = refuse_for_page(host, reason=reason, sender=sender)
        except ServiceUnavailable as error:
            _log(f"error: {error.message}")
            raise Denied(
                "503 Service Unavailable",
                "The list cannot be written at the moment. Try again later, or use robots.txt, "
                "which is obeyed in any case.",
            ) from error
        _log(f"{host}: {outcome} ({sender})")
        if outcome.startswith("too-many"):
            who = "you have" if outcome == "too-many" else "this page has"
            raise Denied(
                "429 Too Many Requests",
                f"Today {who} named as many hosts as are taken in a day. Use robots.txt for the "
                "others, or write to the contact.",
            )
        return Answer("200 OK", page.refused(self._about, host, is_new=outcome == "refused"))


def application(*, behind_proxy: bool = False) -> OwnersPage:
    """Return the application of the operator that CRAWLER_CONTACT names.

    Raises UsageError if it is missing or no contact.
    """
    contact = checked_contact(os.environ.get(CONTACT_VARIABLE), local=False)
    about = About(PRODUCT_TOKEN, user_agent(contact), contact, LEAST_DELAY, MOST_OF_SENDER)
    return OwnersPage(about, behind_proxy=behind_proxy)


def _received(environ: WSGIEnvironment) -> Form:
    """Return the form of a request. Raises Denied for one that is not read."""
    if is_from_elsewhere(environ):
        raise Denied(
            "403 Forbidden", "Another site sent this form. Open this page and send it here."
        )
    if environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != TYPE:
        raise Denied("415 Unsupported Media Type", f"A form is sent as {TYPE}.")
    length = environ.get("CONTENT_LENGTH") or ""
    if not length:
        raise Denied("411 Length Required", "The length of the form is missing.")
    if not (length.isascii() and length.isdigit()):
        raise Denied("400 Bad Request", "The length of the form is no number.")
    form = form_of(_body(environ, int(length)))
    if form is None:
        raise Denied("400 Bad Request", "The form has a host once, and a reason at most once.")
    return form


def _body(environ: WSGIEnvironment, length: int) -> bytes:
    try:
        body: bytes = environ["wsgi.input"].read(min(length, _MOST_READ))
    except OSError as error:
        raise Denied("408 Request Timeout", "The form did not arrive in time.") from error
    if length > MOST_BYTES:
        raise Denied("413 Content Too Large", f"A form has at most {MOST_BYTES:,} bytes.")
    if len(body) < length:
        raise Denied("400 Bad Request", "The form is incomplete.")
    return body


def _log(line: str) -> None:
    # A log that nobody reads any more must not keep the sender from the answer.
    with suppress(BrokenPipeError):
        say(line)
