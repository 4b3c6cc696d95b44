"""The sample site's server answers as a careful web server does, and keeps a record."""

import http.client
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from demo import faults
from demo.server import LAST_MODIFIED, PortInUse, Request, SampleSite


@pytest.fixture
def site() -> Iterator[SampleSite]:
    with SampleSite() as running:
        yield running


def ask(
    site: SampleSite, path: str, *, role: str = "site", method: str = "GET", **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection(site.netloc(role), timeout=20)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def test_a_picture_comes_with_type_length_and_validators(site: SampleSite) -> None:
    status, headers, body = ask(site, "/pictures/cat.jpg")
    assert status == 200
    assert body[:2] == b"\xff\xd8"
    assert headers["Content-Type"] == "image/jpeg"
    assert headers["Content-Length"] == str(len(body))
    assert headers["Last-Modified"] == LAST_MODIFIED
    assert headers["ETag"].startswith('"')


def test_head_says_the_same_without_the_body(site: SampleSite) -> None:
    _, got, body = ask(site, "/pictures/cat.jpg")
    status, headers, nothing = ask(site, "/pictures/cat.jpg", method="HEAD")
    assert (status, nothing) == (200, b"")
    assert headers["Content-Length"] == str(len(body))
    assert headers["ETag"] == got["ETag"]


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"If_None_Match": "{etag}"}, 304),
        ({"If_None_Match": '"old", W/{etag}'}, 304),
        ({"if_none_match": "*"}, 304),
        ({"If_None_Match": '"old"'}, 200),
        # A tag is the better proof: the date is not asked when there is one.
        ({"If_None_Match": '"old"', "If_Modified_Since": LAST_MODIFIED}, 200),
        ({"If_Modified_Since": LAST_MODIFIED}, 304),
        ({"If_Modified_Since": "Sat, 28 Feb 2026 12:00:00 GMT"}, 200),
        ({"If_Modified_Since": "yesterday"}, 200),
        ({"If_Modified_Since": "Sat, 28 Feb 2026 12:00:00 -0000"}, 200),
    ],
)
def test_a_copy_that_is_still_good_is_not_sent_again(
    site: SampleSite, condition: dict[str, str], status: int
) -> None:
    etag = ask(site, "/works/tiger.html")[1]["ETag"]
    asked = {name: value.replace("{etag}", etag) for name, value in condition.items()}
    got, headers, body = ask(site, "/works/tiger.html", **asked)
    assert got == status
    assert headers["ETag"] == etag
    assert bool(body) == (status == 200)


def test_header_lines_keep_their_number_and_order(site: SampleSite) -> None:
    _, headers, _ = ask(site, "/pictures/dragonfly.jpg")
    assert headers.get_all("X-Robots-Tag") == ["googlebot: nofollow", "noai, noimageai"]
    assert ask(site, "/pictures/cat.jpg")[1].get_all("X-Robots-Tag") is None


def test_each_host_has_files_of_its_own(site: SampleSite) -> None:
    answers = {
        (role, path): ask(site, path, role=role)[0]
        for role in ("site", "cdn", "other")
        for path in ("/pictures/cat.jpg", "/media/wolf.jpg", "/elsewhere/jupiter.jpg")
    }
    assert {key for key, status in answers.items() if status == 200} == {
        ("site", "/pictures/cat.jpg"),
        ("cdn", "/media/wolf.jpg"),
        ("other", "/elsewhere/jupiter.jpg"),
    }
    robots = {role: ask(site, "/robots.txt", role=role) for role in ("site", "cdn", "other")}
    assert [robots[role][0] for role in ("site", "cdn", "other")] == [200, 404, 200]
    assert b"GPTBot" in robots["site"][2]
    assert b"GPTBot" not in robots["other"][2]


def test_hosts_may_be_named_otherwise() -> None:
    with SampleSite(hosts={"cdn": "localhost"}) as site:
        assert site.cdn_url == f"http://localhost:{site.port}"
        assert ask(site, "/media/wolf.jpg", role="cdn")[0] == 200
        assert site.netloc("cdn").encode() in ask(site, "/works/wolf.html")[2]


def test_everything_asked_is_on_record(site: SampleSite) -> None:
    ask(site, "/pictures/cat.jpg?w=3", User_Agent="visitor/1")
    ask(site, "/nothing", role="cdn", method="HEAD")
    assert [request._replace(at=0.0) for request in site.requests] == [
        Request("GET", "127.0.0.1", "/pictures/cat.jpg?w=3", "visitor/1", 200),
        Request("HEAD", "127.0.0.2", "/nothing", "", 404),
    ]


@pytest.mark.parametrize(
    "path", ["/nothing", "/../truth.json", "/%2e%2e/truth.json", "//etc/passwd", "/about.html/x"]
)
def test_nothing_outside_the_folder_is_served(site: SampleSite, path: str) -> None:
    assert ask(site, path)[0] == 404


def test_a_folder_without_its_slash_is_redirected(site: SampleSite) -> None:
    status, headers, _ = ask(site, "/gallery")
    assert (status, headers["Location"]) == (301, "/gallery/")


@pytest.mark.parametrize(
    ("query", "month", "next_month"),
    [
        ("", "2026-03", "2026-04"),
        ("?month=2026-12", "2026-12", "2027-01"),
        ("?month=1900-01", "1900-01", "1900-02"),
        ("?month=2026-99999999999999999999", "2026-03", "2026-04"),
        ("?month=%C2%B2-1", "2026-03", "2026-04"),
    ],
)
def test_the_calendar_always_has_a_next_month(
    site: SampleSite, query: str, month: str, next_month: str
) -> None:
    _, _, body = ask(site, "/calendar.html" + query)
    assert f"<b>{month}</b>" in body.decode()
    assert f"?month={next_month}" in body.decode()


def test_an_answer_can_be_replaced_and_restored(site: SampleSite) -> None:
    before = ask(site, "/works/cat.html")[0]
    site.replace("/works/cat.html", b"<p>new", headers=(("X-Robots-Tag", "noai"),))
    site.replace("/robots.txt", b"down", role="cdn", status=503)
    status, headers, body = ask(site, "/works/cat.html")
    assert (before, status, body, headers["X-Robots-Tag"]) == (404, 200, b"<p>new", "noai")
    assert ask(site, "/robots.txt", role="cdn")[0] == 503
    site.restore()
    assert ask(site, "/works/cat.html")[0] == 404


def test_answers_can_be_held_back(site: SampleSite) -> None:
    started = time.monotonic()
    site.delay = 0.4
    ask(site, "/about.html")
    assert time.monotonic() - started >= 0.4


def test_a_site_that_stops_holds_nothing_back() -> None:
    with SampleSite() as site:
        site.delay = 100
        connection = socket.create_connection((site.hosts["site"], site.port))
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.2)
        started = time.monotonic()
    assert time.monotonic() - started < 50
    connection.close()


def test_faulty_pictures_answer_as_announced(site: SampleSite) -> None:
    named = ("missing", "error", "forbidden", "gone", "moved", "loop-a", "loop-b")
    answers = {name: ask(site, f"/faults/{name}.jpg") for name in named}
    assert [answers[name][0] for name in named] == [404, 500, 403, 410, 302, 302, 302]
    assert ask(site, answers["moved"][1]["Location"])[0] == 200
    assert answers["loop-a"][1]["Location"] == "/faults/loop-b.jpg"
    assert answers["loop-b"][1]["Location"] == "/faults/loop-a.jpg"


@pytest.mark.parametrize("path", ["/faults/short.jpg", "/faults/huge.jpg"])
def test_a_declared_length_can_be_a_lie(site: SampleSite, path: str) -> None:
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(site, path)
    assert len(caught.value.partial) > 1000


def test_a_huge_picture_says_so_first(site: SampleSite) -> None:
    _, headers, _ = ask(site, "/faults/huge.jpg", method="HEAD")
    assert int(headers["Content-Length"]) == 5_000_000_000


def test_a_bomb_is_small_and_unpacks_to_too_much(
    site: SampleSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    from io import BytesIO

    from PIL import Image

    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    body = ask(site, "/faults/bomb.png")[2]
    assert len(body) < 100_000
    with Image.open(BytesIO(body)) as picture:
        assert picture.width * picture.height > 100 * 2**20


def test_a_slow_picture_arrives_whole_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("demo.faults.time.sleep", waited.append)
    pieces = list(faults.drip(b"picture" * 1000))
    assert b"".join(pieces) == b"picture" * 1000
    assert sum(waited) == pytest.approx(faults.SLOW_SECONDS, rel=0.1)


def test_stopping_ends_connections_and_threads() -> None:
    before = set(threading.enumerate())
    with SampleSite() as site:
        idle = http.client.HTTPConnection(site.netloc("site"), timeout=20)
        idle.request("GET", "/about.html")
        idle.getresponse().read()
        slow = http.client.HTTPConnection(site.netloc("site"), timeout=20)
        slow.request("GET", "/faults/slow.jpg")
        slow.getresponse().read(10)
        where = site.netloc("site")
    assert set(threading.enumerate()) == before
    idle.close()
    slow.close()
    fresh = http.client.HTTPConnection(where, timeout=20)
    with pytest.raises(ConnectionRefusedError):
        fresh.request("GET", "/")


def test_a_port_in_use_is_an_error_that_says_what_to_do(site: SampleSite) -> None:
    with pytest.raises(PortInUse) as caught, SampleSite(site.port):
        pass
    assert caught.value.exit_code == 3
    assert str(site.port) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_cannot_be_is_the_same_error(port: int) -> None:
    with pytest.raises(PortInUse), SampleSite(port):
        pass


def test_a_host_name_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(PortInUse), SampleSite(hosts={"cdn": "cdn.invalid"}):
        pass


def test_the_command_serves_until_interrupted(site: SampleSite) -> None:
    command = [sys.executable, "-m", "demo.server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith(b"http://127.0.0.1:")
        running.send_signal(signal.SIGINT)
        assert running.communicate()[1] == b""
    assert running.returncode == 0
    taken = subprocess.run(
        [*command, "--port", str(site.port)], capture_output=True, text=True, check=False
    )
    assert taken.returncode == 3
    assert [line.split(":")[0] for line in taken.stderr.splitlines()] == ["error", "hint"]
