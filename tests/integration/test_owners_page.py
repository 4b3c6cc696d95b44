"""The page for site owners as a WSGI application, on a real database."""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import psycopg
import pytest

from crawler.owners.app import application
from crawler.record.refused import MOST_OF_PAGE, MOST_OF_SENDER
from registry.db import hosts
from registry.errors import UsageError

SENDER = "192.0.2.1"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: str


Ask = Callable[..., Answer]


@pytest.fixture(autouse=True)
def here(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)
    monkeypatch.setenv("CRAWLER_CONTACT", "mailto:me@operator.example")


def asked(method: str, path: str, body: bytes = b"", proxy: bool = False, **fields: str) -> Answer:
    """Call the application as a WSGI server does; a field of None is left out."""
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path, "REMOTE_ADDR": SENDER}
    setup_testing_defaults(environ)
    environ |= {"wsgi.input": io.BytesIO(body), "SCRIPT_NAME": "", "QUERY_STRING": ""}
    if method == "POST":
        form = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}
        environ |= form | {"CONTENT_LENGTH": str(len(body))}
    environ |= fields
    begun: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        begun.extend((status, headers))
        return lambda _: None

    chunks = validator(application(behind_proxy=proxy))(environ, start_response)
    text = b"".join(chunks).decode()
    chunks.close()  # type: ignore[attr-defined]
    return Answer(int(begun[0][:3]), dict(begun[1]), text)


def refuse(host: str, reason: str = "", **fields: Any) -> Answer:
    return asked("POST", "/refuse", urlencode({"host": host, "reason": reason}).encode(), **fields)


def listed(conn: psycopg.Connection) -> list[tuple[str, str, str]]:
    return [(one.name, one.reason, one.added_by) for one in hosts.refused_hosts(conn)]


def test_a_host_is_refused_with_its_sender(conn: psycopg.Connection) -> None:
    answer = refuse("https://Gallery.example/art", "my <b>pictures</b>\r\n\x1b[31m")
    assert answer.status == 200
    assert "<code>gallery.example</code> is now on the list" in answer.body
    again = refuse("www.gallery.example", "another reason", REMOTE_ADDR="192.0.2.9")
    assert "was on the list already" in again.body
    assert "pictures" not in again.body
    assert listed(conn) == [("gallery.example", "my <b>pictures</b> [31m", f"page: {SENDER}")]


def test_every_answer_has_the_headers() -> None:
    for answer in (asked("GET", "/"), asked("GET", "/x"), refuse("a.example"), refuse("")):
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none';")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Length"] == str(len(answer.body.encode()))
        assert "Set-Cookie" not in answer.headers


def test_paths_and_methods() -> None:
    front, head = asked("GET", "/"), asked("HEAD", "/")
    assert (head.status, head.body) == (200, "")
    assert head.headers == front.headers
    for method, path, status, allow in (
        ("GET", "/refuse", 405, "POST"),
        ("HEAD", "/refuse", 405, "POST"),
        ("POST", "/", 405, "GET, HEAD"),
        ("DELETE", "/", 405, "GET, HEAD"),
        ("GET", "/refuse/", 404, None),
        ("POST", "/../etc/passwd", 404, None),
    ):
        answer = asked(method, path)
        assert (answer.status, answer.headers.get("Allow")) == (status, allow), (method, path)


OTHER_FORMS: list[tuple[bytes, dict[str, str], int]] = [
    (b"host=a.example", {"CONTENT_TYPE": "application/json"}, 415),
    (b"host=a.example", {"CONTENT_TYPE": "text/plain"}, 415),
    (b"host=a.example", {"CONTENT_LENGTH": ""}, 411),
    (b"host=a.example", {"CONTENT_LENGTH": "99"}, 400),
    (b"host=" + b"a" * 5000, {}, 413),
    (b"reason=x", {}, 400),
    (b"host=a.example&host=b.example", {}, 400),
    (b"host=a.example&reason=" + b"x" * 501, {}, 400),
    (b"host=co.uk", {}, 400),
    (b"host=127.0.0.1", {}, 400),
    (b"host=localhost", {}, 400),
    (b"host=me@mail.example", {}, 400),
    (b"host=a.example", {"HTTP_SEC_FETCH_SITE": "cross-site"}, 403),
    (b"host=a.example", {"HTTP_ORIGIN": "https://evil.example"}, 403),
]


def test_other_forms_add_nothing(conn: psycopg.Connection) -> None:
    answers = [asked("POST", "/refuse", body, **fields) for body, fields, _ in OTHER_FORMS]
    assert [answer.status for answer in answers] == [status for _, _, status in OTHER_FORMS]
    assert listed(conn) == []


def test_a_wrong_host_is_shown_again_escaped() -> None:
    answer = refuse('"><script>', '"><script>')
    assert answer.status == 400
    assert "<script>" not in answer.body
    assert answer.body.count('value="&quot;&gt;&lt;script&gt;"') == 2


def test_a_sender_has_a_limit(conn: psycopg.Connection) -> None:
    for number in range(MOST_OF_SENDER):
        assert refuse(f"a{number}.example").status == 200
    assert refuse("b.example").status == 429
    assert "was on the list already" in refuse("a0.example").body
    assert refuse("b.example", REMOTE_ADDR="192.0.2.2").status == 200
    # Hosts of the operator and those of yesterday do not count.
    day = timedelta(days=1)
    conn.execute(
        "UPDATE refused_host SET added_at = added_at - %s WHERE name = 'a1.example'", [day]
    )
    hosts.refuse(conn, "c.example", reason="x", added_by="operator")
    assert refuse("d.example").status == 200
    assert refuse("e.example").status == 429


def test_all_senders_have_a_limit(conn: psycopg.Connection) -> None:
    for number in range(MOST_OF_PAGE):
        hosts.refuse(conn, f"a{number}.example", reason="x", added_by=f"page: 10.0.0.{number}")
    answer = refuse("b.example")
    assert answer.status == 429
    assert "Today this page has" in answer.body


def test_the_limit_holds_for_senders_at_once(conn: psycopg.Connection) -> None:
    """28 forms at once, two of each host."""
    statuses = Counter[int]()
    lock = threading.Lock()

    def send(number: int) -> None:
        status = refuse(f"a{number % 14}.example").status
        with lock:
            statuses[status] += 1

    threads = [threading.Thread(target=send, args=(number,)) for number in range(28)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(listed(conn)) == MOST_OF_SENDER
    assert set(statuses) == {200, 429}
    assert sum(statuses.values()) == 28


def test_the_sender_behind_a_proxy(conn: psycopg.Connection) -> None:
    forwarded = {"HTTP_X_FORWARDED_FOR": "198.51.100.1, 2001:db8:1:2:3:4:5:6"}
    refuse("a.example", proxy=True, **forwarded)
    refuse("b.example", proxy=False, **forwarded)
    assert [by for _, _, by in listed(conn)] == ["page: 2001:db8:1:2::/64", f"page: {SENDER}"]


def test_a_database_that_is_away_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REGISTRY_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    answer = refuse("a.example")
    assert answer.status == 503
    assert "127.0.0.1" not in answer.body
    assert "use robots.txt" in answer.body
    assert capsys.readouterr().err.startswith(
        "error: the database 127.0.0.1:1/none does not answer"
    )
    assert asked("GET", "/").status == 200


@pytest.mark.parametrize("contact", ["", "someone"])
def test_a_contact_is_needed(monkeypatch: pytest.MonkeyPatch, contact: str) -> None:
    monkeypatch.setenv("CRAWLER_CONTACT", contact)
    with pytest.raises(UsageError):
        application()
