"""Pages saved as MHTML: what is read of them, and that no file of that kind stops a command."""

import base64
import time
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_files import png

from registry.errors import UnreadableInput
from registry.sources.mhtml import MAX_PARTS, is_mhtml, pieces_in, read_mhtml
from registry.sources.pieces import NOT_READ

PAGE = "https://a.example/art/1"
B = b"----MultipartBoundary--x----"
HEAD = (
    b"From: <Saved by Blink>\r\nSnapshot-Content-Location: " + PAGE.encode() + b"\r\n"
    b"Subject: Art\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n"
    b'\ttype="text/html";\r\n\tboundary="' + B + b'"\r\n\r\n\r\n'
)


def part(kind: str, coding: str, place: str, body: bytes) -> bytes:
    lines = [f"Content-Type: {kind}", f"Content-Transfer-Encoding: {coding}"]
    head = "\r\n".join([*lines, f"Content-Location: {place}"]).encode()
    return b"--" + B + b"\r\n" + head + b"\r\n\r\n" + body + b"\r\n"


def saved(*parts: bytes) -> bytes:
    return HEAD + b"".join(parts) + b"--" + B + b"--\r\n"


HTML = part(
    "text/html",
    "quoted-printable",
    PAGE,
    b'<!DOCTYPE html><html><head><meta name=3D"robots" content=3D"noai, noima=\r\ngeai"></head>',
)
FRAME = part("text/html", "quoted-printable", "https://ads.example/", b"<html><p>frame")
IMAGE = part("image/png", "base64", "https://a.example/1.png", base64.encodebytes(png()))
STYLE = part("text/css", "quoted-printable", "cid:css-1@mhtml.blink", b"p {}")


def test_the_page_and_its_images_are_read():
    content = saved(FRAME, STYLE, HTML, IMAGE)
    assert is_mhtml(content)
    found = read_mhtml(content, "x.mhtml")
    assert (found.page.url, found.others, found.notes) == (PAGE, 2, ())
    assert b'content="noai, noimageai"' in found.page.body
    (image,) = found.images
    assert (image.url, image.body) == ("https://a.example/1.png", png())


def test_headers_that_no_browser_saves_are_said_to_be_unread():
    found = read_mhtml(saved(HTML), "x.mhtml")
    (headers, page), _ = pieces_in(found.page, "html")
    assert headers.is_unread
    assert headers.refusal.startswith(NOT_READ)
    assert "noimageai" in page.evidence.text
    told = HTML.replace(b"Content-Type:", b"X-Robots-Tag: noai\r\nContent-Type:", 1)
    (headers, _), _ = pieces_in(read_mhtml(saved(told), "x").page, "html")
    assert headers.evidence.lines == (("X-Robots-Tag", "noai"),)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_parts_within_parts_and_bare_line_ends(ends):
    inner = (
        'MIME-Version: 1.0\nContent-Type: multipart/related; boundary="o"\n\n--o\n'
        'Content-Type: multipart/alternative; boundary="i"\n\n--i\nContent-Type: text/html\n'
        f"Content-Location: {PAGE}\n\n<html><meta name=robots content=noai>\n--i--\n\n--o--\n"
    )
    found = read_mhtml(inner.replace("\n", ends).encode(), "x.mht")
    assert found.page.url == PAGE
    assert found.page.body.endswith(b"content=noai>")


@pytest.mark.parametrize("place", range(len(saved(HTML, IMAGE)) - len(B) - 6, 0, -97))
def test_a_cut_file_says_so_or_is_refused(place):
    content = saved(HTML, IMAGE)[:place]
    try:
        found = read_mhtml(content, "x.mhtml")
    except UnreadableInput:
        return
    assert found.notes


@pytest.mark.parametrize("content", [saved(), saved(IMAGE), HEAD, HEAD[:60], b""])
def test_a_file_without_a_page_is_refused(content):
    with pytest.raises(UnreadableInput, match="no page in it"):
        read_mhtml(content, "x.mhtml")


def test_what_is_no_such_file():
    assert not is_mhtml(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/related\r\n\r\n")
    assert not is_mhtml(b"<html>MIME-Version: 1.0\nContent-Type: multipart/related")


def test_addresses_lose_user_and_password_and_other_schemes():
    for given_, kept in (
        ("https://me:secret@a.example/1", "https://a.example/1"),
        ("cid:frame-1@mhtml.blink", ""),
        ("file:///saved/1.html", ""),
    ):
        content = saved(HTML.replace(PAGE.encode(), given_.encode()))
        content = content.replace(b"Snapshot-Content-Location: " + PAGE.encode(), b"X: y", 1)
        assert read_mhtml(content, "x").page.url == kept


HOSTILE = {
    "parts": saved(HTML, *[b"--" + B + b"\r\n\r\nx\r\n"] * 400_000),
    "parameters": saved(HTML, *[part(';"' * 30_000, "7bit", PAGE, b"x")] * 300),
    "nested": saved(HTML, *[part(f'multipart/mixed; boundary="{n}"', "7bit", "", b"--%d\r\n" % n
        + b"Content-Type: text/html\r\n\r\n" * 99) for n in range(3_000)]),
    "blank lines": saved(HTML, part("text/html", "quoted-printable", PAGE, b"\r\n" * 5_000_000)),
    "equal signs": saved(HTML, part("image/png", "quoted-printable", PAGE, b"=" * 10_000_000)),
    "base64": saved(HTML, part("image/png", "base64", PAGE, b"A=" * 5_000_000)),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_cost_little(name):
    started = time.monotonic()
    tracemalloc.start()
    found = read_mhtml(HOSTILE[name], "x.mhtml")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert b"noimageai" in found.page.body
    assert time.monotonic() - started < 20
    assert peak < 10 * len(HOSTILE[name]) + (64 << 20)
    assert found.others + len(found.images) < MAX_PARTS


@given(st.lists(st.sampled_from([HEAD, B, HTML, IMAGE, b"--", b"\r\n", b'boundary*0="', b"\xff"])))
def test_no_file_raises_anything_else(pieces):
    with suppress(UnreadableInput):
        read_mhtml(b"".join(pieces), "x.mhtml")
