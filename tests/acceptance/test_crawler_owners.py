"""`crawler owners`: the page for site owners as a process, and in a browser."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from crawling import CRAWLER, Run, rows
from playwright.sync_api import sync_playwright
from test_report_in_browser import CLIPPED, FAINT, FLAGS

from registry.db.connect import connect_to

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CONTACT = "https://operator.example/crawler/"
Serve = Callable[..., tuple[subprocess.Popen[str], str]]


@pytest.fixture
def serve(database_url: str) -> Iterator[Serve]:
    """Start the server on a free port; return the process and the page's URL."""
    processes: list[subprocess.Popen[str]] = []

    def begin(*options: object) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [str(CRAWLER), "owners", "--listen", "127.0.0.1:0", *map(str, options)],
            env={**os.environ, "REGISTRY_DATABASE_URL": database_url, "CRAWLER_CONTACT": CONTACT},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("serving http://127.0.0.1:"), line
        return process, line.split()[1]

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def sent(url: str, **fields: str) -> tuple[int, str]:
    """Return the status and the page after a form."""
    try:
        with urlopen(f"{url}refuse", urlencode(fields).encode(), timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def address(url: str) -> tuple[str, int]:
    return "127.0.0.1", int(url.rstrip("/").rpartition(":")[2])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_owner_stops_the_crawler(
    serve: Serve, run: Run, database_url: str, number: signal.Signals
) -> None:
    process, url = serve()
    with urlopen(url, timeout=30) as answer:
        front = answer.read().decode()
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert f"(+{CONTACT})" in front
    status, page = sent(url, host="https://www.gallery.example/", reason="mine")
    assert status == 200
    assert "<code>www.gallery.example</code> is now on the list" in page
    assert sent(url, host="co.uk")[0] == 400
    listed = run("crawler", "refuse", "list", database=database_url).stdout
    assert re.search(r"www\.gallery\.example .* page: 127\.0\.0\.1  mine\n", listed)
    process.send_signal(number)
    out, log = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")
    assert log == "www.gallery.example: refused (127.0.0.1)\n"


def test_a_form_in_progress_is_answered_after_a_signal(serve: Serve, database_url: str) -> None:
    process, url = serve()
    answers: list[tuple[int, str]] = []
    sending = threading.Thread(target=lambda: answers.append(sent(url, host="a.example")))
    waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'refused_host'::regclass"
    with connect_to(database_url) as conn, conn.transaction():
        conn.execute("LOCK TABLE refused_host IN ACCESS EXCLUSIVE MODE")
        sending.start()
        until = time.monotonic() + 60
        while not rows(database_url, waiting):
            assert time.monotonic() < until
            time.sleep(0.02)
        process.terminate()
        time.sleep(0.3)
    sending.join()
    assert [status for status, _ in answers] == [200]
    assert process.wait(timeout=30) == 0


def test_the_sender_behind_a_proxy(serve: Serve, database_url: str) -> None:
    _, url = serve("--behind-proxy")
    forwarded = {"X-Forwarded-For": "10.0.0.1, 198.51.100.7"}
    with urlopen(Request(f"{url}refuse", b"host=a.example", forwarded), timeout=30) as answer:
        assert answer.status == 200
    assert rows(database_url, "SELECT added_by FROM refused_host") == [("page: 198.51.100.7",)]


def test_odd_connections_hold_nobody_up(serve: Serve) -> None:
    """Silent connections, bytes that are no HTTP, a head request, an endless line, many at once."""
    process, url = serve()
    silent = [socket.create_connection(address(url), timeout=30) for _ in range(10)]
    for text, status in (
        (b"\x16\x03\x01\x00\r\n\r\n", None),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b" 200 "),
        (b"HEAD / HTTP/1.0\r\n\r\n", b" 200 "),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.0\r\n\r\n", b" 414 "),
        (b"POST /refuse HTTP/1.0\r\nContent-Length: 5\r\n\r\nhost=", b" 415 "),
    ):
        with socket.create_connection(address(url), timeout=30) as connection:
            connection.sendall(text)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while part := connection.recv(65536):
                    answer += part
            except ConnectionResetError:
                assert len(text) > 65536
        if status is not None and answer:
            assert status in answer.split(b"\r\n")[0]
        if text.startswith(b"HEAD"):
            assert answer.endswith(b"\r\n\r\n")
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: statuses.append(sent(url, host=f"a{n}.example")[0]))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 10 + [429] * 10
    process.terminate()
    _, log = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in log
    for connection in silent:
        connection.close()


@pytest.mark.parametrize(
    ("options", "environment", "code", "error"),
    [
        ((), {"CRAWLER_CONTACT": ""}, 2, "error: no contact for the owners"),
        (("--listen", "8077"), {}, 2, "error: Invalid value for '--listen': '8077' is not HOST"),
        (("--listen", "::1:8077"), {}, 2, "error: Invalid value for '--listen'"),
        (("--listen", "127.0.0.1:99999"), {}, 2, "error: Invalid value for '--listen'"),
        (("--listen", "192.0.2.1:0"), {}, 3, "error: 192.0.2.1:0: "),
        (
            (),
            {"REGISTRY_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"},
            3,
            "error: the database 127.0.0.1:1/none does not answer",
        ),
    ],
)
def test_it_does_not_start_wrongly(
    run: Run,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    environment: dict[str, str],
    code: int,
    error: str,
) -> None:
    values = {"REGISTRY_DATABASE_URL": database_url, "CRAWLER_CONTACT": CONTACT} | environment
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    ended = run("crawler", "owners", *options)
    assert ended.returncode == code
    assert ended.stderr.startswith(error), ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_in_use_is_an_error(
    serve: Serve, run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, url = serve()
    host, port = address(url)
    monkeypatch.setenv("CRAWLER_CONTACT", CONTACT)
    ended = run("crawler", "owners", "--listen", f"{host}:{port}", database=database_url)
    assert ended.returncode == 3
    assert ended.stderr == (
        f"error: {host}:{port}: Address already in use\nhint: give another address to --listen\n"
    )


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1200, "light")])
def test_in_a_browser_with_the_keyboard(
    serve: Serve, database_url: str, width: int, scheme: str
) -> None:
    _, url = serve()
    problems: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
        page.on("console", lambda message: problems.append(message.text))
        page.goto(url)
        for _ in range(2):
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(CLIPPED) == []
            assert page.evaluate(FAINT) == []
            if page.locator("form").count():
                page.get_by_label("Host").focus()
                page.keyboard.type("gallery.example")
                page.keyboard.press("Tab")
                page.keyboard.type("my pictures")
                page.keyboard.press("Tab")
                assert page.evaluate("document.activeElement.innerText") == "Stop visits"
                page.keyboard.press("Enter")
                page.wait_for_url("**/refuse")
        assert page.locator("h1").inner_text() == "gallery.example is now on the list"
        is_dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (is_dark == "rgb(20, 24, 31)") == (scheme == "dark")
        page.get_by_role("link", name="Back").click()
        page.get_by_label("Host").fill("co.uk")
        page.get_by_role("button").click()
        assert "co.uk is a public suffix" in page.get_by_role("alert").inner_text()
        assert page.get_by_label("Host").input_value() == "co.uk"
        browser.close()
    assert [line for line in problems if "400" not in line and "404" not in line] == []
    kept = [("gallery.example", "my pictures", "page: 127.0.0.1")]
    assert rows(database_url, "SELECT name, reason, added_by FROM refused_host") == kept
