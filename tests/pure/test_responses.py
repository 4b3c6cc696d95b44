"""Responses split and unpacked; on any bytes nothing is raised."""

import gzip
import zlib
from dataclasses import replace

import brotli
import image_files
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.evidence.responses import (
    READ_LIMIT,
    Response,
    decoded_response,
    header_lines,
    saved_response,
)
from registry.evidence.text import text_of
from registry.sources.kinds import kind_of, site_file_url, site_kind
from registry.sources.pieces import pieces_of

PAGE = b"<html><p>hello</html>"
PIECES = st.sampled_from(
    [
        *(b"HTTP/1.1 200 OK", b"HTTP/2 301", b"\r\n", b"\n", b"\r", b": ", b" ", b"\x00", b"\xff"),
        *(b"Content-Type: text/html", b"Content-Encoding: gzip", b"Content-Encoding: br"),
        *(b"Transfer-Encoding: chunked", b"5\r\nabcde\r\n", b"0\r\n\r\n", b"ffffffffffff\r\n"),
        *(b"<html>", b"<rsl", b"\x89PNG\r\n", b"\x1f\x8b\x08", b"{", b"WARC/1.0"),
    ]
)
BYTES = st.one_of(st.binary(), st.lists(PIECES, max_size=20).map(b"".join))


@given(BYTES, st.sampled_from(["", "https://a.example/robots.txt", "x:", "https://a.example/1"]))
def test_any_bytes_are_a_response(content, url):
    response = saved_response(content, url)
    kind = kind_of(response)
    pieces, notes = pieces_of(response, kind)
    assert all(isinstance(note, str) for note in notes)
    assert all(piece.size <= READ_LIMIT for piece in pieces)


def with_body(encoding, body, name="Content-Encoding"):
    return decoded_response(Response("", ((name, encoding),), body))


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(PAGE, mtime=0)),
        ("X-GZIP", gzip.compress(PAGE, mtime=0)),
        ("deflate", zlib.compress(PAGE)),
        ("deflate", zlib.compress(PAGE, wbits=-15)),
        ("br", brotli.compress(PAGE)),
        ("gzip, br", brotli.compress(gzip.compress(PAGE, mtime=0))),
        ("identity", PAGE),
        ("gzip", PAGE),
    ],
)
def test_encodings(encoding, packed):
    response = with_body(encoding, packed)
    assert (response.body, response.notes) == (PAGE, ())


@pytest.mark.parametrize("body", [b"\x28\xb5\x2f\xfd...", b"[\x00\x01"])
def test_an_encoding_that_is_not_known_is_said(body):
    response = with_body("zstd", body)
    assert "unsupported content encoding" in response.notes[0]
    page = replace(response, lines=(*response.lines, ("Content-Type", "text/html")))
    (_, piece), _ = pieces_of(page, kind_of(page))
    assert (piece.evidence.carrier, piece.is_unread) == ("html", True)
    assert piece.refusal == "not read: unsupported content encoding: zstd"


def test_what_is_packed_and_cut_is_said():
    page = b"".join(b"<p>%d" % (n * n) for n in range(1000))
    for encoding, packed in (("gzip", gzip), ("br", brotli)):
        response = with_body(encoding, packed.compress(page)[:-900])
        assert response.body.startswith(b"<p>0<p>1")
        assert (response.cut, "truncated" in response.notes[0]) == (True, True)
    assert with_body("br", b"[garb\x00\x01").unread


def test_a_bomb_is_cut():
    for encoding, packed in (("gzip", gzip), ("br", brotli)):
        response = with_body(encoding, packed.compress(bytes(READ_LIMIT * 4)))
        assert len(response.body) == READ_LIMIT
        assert "16 MiB" in response.notes[0]


def saved(body, *fields, status="200 OK", url=""):
    """Return what is looked at in a response that was saved."""
    head = "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode()
    response = saved_response(head + body, url)
    return pieces_of(response, kind_of(response))


@pytest.mark.parametrize(
    ("size", "said"),
    [(17, "xmp"), (51, "not read: the file is incomplete")],
)
def test_a_large_picture_is_read_whole_or_not_called_empty(size, said):
    filling = image_files.chunk(b"IDAT", bytes(size << 20))
    picture = image_files.png(filling, image_files.itxt(image_files.marked()))
    pieces, notes = saved(picture)
    refusals = {piece.evidence.carrier: piece.refusal for piece in pieces}
    assert (refusals["xmp"] or "xmp") == said
    assert ("longer than 50 MiB, read up to there" in notes) == (size > 50)
    assert ("none in the file" in refusals["c2pa-json"]) == (size < 50)


def test_a_picture_shorter_than_its_length_is_not_verified():
    pieces, _ = saved(image_files.png(), "Content-Length: 9999")
    assert [piece.is_unread for piece in pieces] == [False, True, True]


def test_what_is_no_image_is_not_called_empty():
    pieces, notes = saved(b"BM....", "Content-Type: image/bmp")
    assert all(piece.is_unread for piece in pieces[1:])
    assert "unknown image format" in notes[0]


def test_a_body_that_nobody_knows_is_not_passed_over():
    pieces, _ = saved(b"%PDF-1.7", "Content-Type: application/pdf")
    assert pieces[1].is_unread
    assert "give --kind or --url" in pieces[1].refusal


@pytest.mark.parametrize(
    ("status", "remark"), [("404 X", "the file does not exist"), ("503 X", "cannot be fetched")]
)
def test_the_status_of_a_sites_file(status, remark):
    (piece,), notes = saved(
        b"User-agent: *\nDisallow: /", status=status, url="https://a.example/robots.txt"
    )
    assert piece.refusal == f"http-{status[:3]}"
    assert remark in notes[0]


def test_the_page_of_an_error_is_said_to_be_one():
    _, notes = saved(b"<html>", "Content-Type: text/html", status="404 Not Found")
    assert "status 404" in notes[0]


def test_a_page_instead_of_a_sites_file():
    (piece,), _ = saved(b"<html>", url="https://a.example/robots.txt")
    assert piece.refusal == "a web page was sent instead"


def test_what_a_body_is_outranks_what_it_was_sent_as():
    _, notes = saved(PAGE, "Content-Type: image/jpeg")
    assert notes == ["sent as image/jpeg, but read as its content: html"]


@pytest.mark.parametrize(
    ("body", "joined"),
    [
        (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: x\r\n\r\n", b"hello"),
        (b"5\nhello\n0\n\n", b"hello"),
        (b"9\r\nhello", b"hello"),
        (PAGE, PAGE),
    ],
)
def test_chunks(body, joined):
    assert with_body("chunked", body, "Transfer-Encoding").body == joined


def test_last_block_describes_the_response():
    saved = saved_response(
        b"HTTP/1.1 301 X\r\nA: 1\r\n\r\nHTTP/2 200\r\nB: 2\r\nB: 3\r\n\r\nHTTP is"
    )
    assert (saved.status, saved.lines, saved.body) == (200, (("B", "2"), ("B", "3")), b"HTTP is")


def test_many_blocks_take_no_longer_than_their_text():
    content = b"HTTP/1.1 302 Found\n\n" * 500_000 + b"HTTP/1.1 200 OK\nA: 1\n\nend"
    assert saved_response(content).lines == (("A", "1"),)


def test_a_block_without_its_end_has_no_body():
    assert saved_response(b"HTTP/1.1 200 OK\r\nA: 1").lines == (("A", "1"),)
    assert saved_response(b"A: 1\n b\nC: 2\n").lines == (("A", "1 b"), ("C", "2"))


def test_lines_end_at_line_ends_alone():
    assert header_lines("A: x\x0by\x85z\nB: 1") == (("A", "x\x0by\x85z"), ("B", "1"))


@pytest.mark.parametrize(
    ("url", "media_type", "body", "kind"),
    [
        ("", "text/html; charset=utf-8", b"x", "html"),
        ("", "text/html", b"\xff\xd8\xff", "image"),
        ("", "image/svg+xml", b"<svg/>", "image"),
        ("", "", b"<!DOCTYPE HTML><p>", "html"),
        ("", "application/pdf", b"%PDF", "headers"),
        ("", "", b" <!-- x --> <meta name=robots content=noai>", "html"),
        ("", "application/octet-stream", b"<p>x", "html"),
        ("", "image/jpeg", b"<html>x", "html"),
        ("", "text/css", b"<html>x", "headers"),
        ("", "text/html", b"", "headers"),
        ("", "application/rsl+xml", b"<rsl/>", "rsl-xml"),
        ("", "text/xml", b"<?xml version='1.0'?><rsl/>", "rsl-xml"),
        ("https://a.example/robots.txt", "text/html", b"x", "robots-txt"),
        ("https://a.example/.well-known/trust.txt", "", b"x", "trust-txt"),
        ("https://a.example/x/robots.txt", "text/plain", b"x", "headers"),
    ],
)
def test_kinds(url, media_type, body, kind):
    assert kind_of(Response(url, (("Content-Type", media_type),), body)) == kind


def test_where_a_file_of_a_site_stood():
    assert site_file_url("ai-txt", "http://a.example/art/1.jpg") == "http://a.example/ai.txt"
    assert site_file_url("trust-txt", "https://a.example/.well-known/trust.txt").endswith(
        "trust.txt"
    )
    assert site_file_url("ai-txt", "") == ""
    assert site_kind("https://a.example/robots.txt?x=1") == "robots-txt"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xef\xbb\xbfa", "a"),
        ("a".encode("utf-16"), "a"),
        (b"\xe9t\xe9 here", "été here"),
        ("été".encode()[:-1], "ét\ufffd"),
    ],
)
def test_texts(content, text):
    assert text_of(content) == text


def test_a_body_that_looks_like_a_response_is_a_body():
    body = b"HTTP/1.1 200 OK\r\nTDM-Reservation: 0\r\n\r\nx"
    said = saved_response(b"HTTP/1.1 200 OK\r\nX-Robots-Tag: noai\r\n\r\n" + body)
    assert (said.lines, said.body) == ((("X-Robots-Tag", "noai"),), body)
    redirected = saved_response(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n" + body)
    assert redirected.body == b"x"
    # An archive keeps every response by itself.
    kept = saved_response(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n" + body, alone=True)
    assert (kept.status, kept.body) == (302, body)
