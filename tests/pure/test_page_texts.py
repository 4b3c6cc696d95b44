"""Pages as text: no label of an encoding loses a mark, and everybody reads the same."""

import encodings
import pkgutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.evidence.charsets import _CODECS, codec_of
from registry.evidence.responses import Response
from registry.evidence.text import page_text, text_of
from registry.sources.kinds import kind_of
from registry.sources.pieces import pieces_of

MARK = '<meta name="robots" content="noai">'
PAGE = f"<html><head>{MARK}</head><p>é".encode()
NO_TEXT = ("rot13", "rot_13", "zip", "bz2", "base64", "hex", "uu", "quopri", "idna", "punycode")
ODD = (*NO_TEXT, "undefined", "unicode_escape", "raw_unicode_escape", "utf-7", "utf-32", "mbcs")
UNKNOWN = ("", "none", "x" * 500, "utf-9", "é", "'", '"utf-8', "../../etc", "\x00", "hz-gb-2312")


@pytest.mark.parametrize("label", [*ODD, *UNKNOWN])
def test_a_label_that_is_no_encoding_loses_nothing(label):
    assert MARK in page_text(PAGE, f"text/html; charset={label}")
    assert MARK in page_text(f'<meta charset="{label}">'.encode() + PAGE)
    assert MARK in page_text(f'<?xml version="1.0" encoding="{label}"?>'.encode() + PAGE)


def test_every_codec_of_python_by_its_name_loses_nothing():
    for module in pkgutil.iter_modules(encodings.__path__):
        for label in (module.name, module.name.replace("_", "-")):
            assert MARK in page_text(PAGE, f"text/html; charset={label}")


def test_every_label_has_a_codec_of_text():
    assert len(_CODECS) > 200
    for codec in set(_CODECS.values()):
        assert MARK.encode(codec).decode(codec) == MARK


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("UTF-8", "utf-8"),
        (" utf8\t", "utf-8"),
        ("iso-8859-1", "cp1252"),
        ("gb2312", "gb18030"),
        ("Shift_JIS", "cp932"),
        ("latin-1", None),
        ("iso-2022-kr", None),
        ("x-user-defined", None),
    ],
)
def test_labels(label, codec):
    assert codec_of(label) == codec


@pytest.mark.parametrize(
    ("content", "content_type", "text"),
    [
        ("é".encode("cp1251", "replace") + b"\xe9", "text/html; charset=windows-1251", "?й"),
        ("絵".encode("shift_jis"), 'text/html;charset="Shift_JIS"', "絵"),
        ("é".encode(), "text/html; charset=rot13", "é"),
        (b"\xe9", "text/html; charset=rot13", "\ufffd"),
        (b"\xe9 ", "text/html", "é "),
        (b"\xef\xbb\xbf\xc3\xa9", "text/html; charset=windows-1251", "é"),
        ("<p>é".encode("utf-16-le"), "text/html; charset=utf-16", "<p>é"),
        (b"<p>ascii", "text/html; charset=utf-16", "<p>ascii"),
        (b"<meta charset=koi8-r>\xd1", "", "<meta charset=koi8-r>я"),
        (b"<meta charset=utf-16>\xc3\xa9", "", "<meta charset=utf-16>é"),
        (b"<!-- <meta charset=koi8-r> -->\xc3\xa9", "", "<!-- <meta charset=koi8-r> -->é"),
        (b"<meta charset=koi8-r>\xe9", "text/html; charset=windows-1252", "<meta charset=koi8-r>é"),
    ],
)
def test_which_encoding_counts(content, content_type, text):
    assert page_text(content, content_type) == text


@given(st.binary(max_size=300), st.text(max_size=50))
def test_any_bytes_are_a_text(content, label):
    assert isinstance(page_text(content, f"text/html; charset={label}"), str)
    assert isinstance(page_text(b"<meta charset=" + content + b">"), str)
    assert isinstance(text_of(content), str)


@pytest.mark.parametrize("label", ODD)
def test_saved_responses_are_read_so_too(label):
    response = Response("", (("Content-Type", f"text/html; charset={label}"),), PAGE, 200)
    pieces, _ = pieces_of(response, kind_of(response))
    headers, page = (piece.evidence for piece in pieces)
    assert MARK in page.text
    assert headers.lines == response.lines
