"""The table of carriers, and that what is derived from it agrees."""

import base64

import image_files
import pytest

from crawler.visit.site_files import SiteFileUrls
from registry.cli._evidence_files import FILE_KINDS, guess_kind
from registry.evidence import content_credentials
from registry.evidence.body_kinds import kind_of_body
from registry.evidence.carriers import (
    BASE64_STARTS,
    IMAGE_FORMATS,
    Carrier,
    Carriers,
    is_image,
    is_still_image,
)
from registry.evidence.file_kinds import is_svg, kind_by_content
from registry.evidence.responses import Response
from registry.evidence.web_page import is_web_page
from registry.evidence.xmp import containers
from registry.explain.evidence_lines import HEADER_KINDS, KINDS
from registry.fingerprints import _decode
from registry.signals import carriers, readers
from registry.sources.kinds import kind_of, site_kind

TABLE = carriers()
NAMES = [carrier.name for carrier in TABLE.rows]


def test_every_carrier_that_is_read_is_in_the_table():
    read = {carrier for reader in readers().values() for carrier in reader.CARRIERS}
    assert read == set(NAMES)
    assert len(NAMES) == len(set(NAMES)), "a carrier is declared by one reader"
    assert set(KINDS) == {*NAMES, *HEADER_KINDS} - {"headers"}
    assert set(FILE_KINDS) == {*KINDS, "headers", "image", "warc", "mhtml"}


def test_no_place_or_name_is_given_twice():
    paths = [path for carrier in TABLE.rows for path in carrier.paths]
    endings = [e for each in (*TABLE.rows, *IMAGE_FORMATS) for e in each.endings]
    names = [name for carrier in TABLE.rows for name in carrier.names]
    assert (len(paths), len(endings)) == (len(TABLE.at_path), len(TABLE.of_ending))
    assert len(names) == len(TABLE.of_name)


def test_places_are_those_of_files_of_a_site():
    assert {carrier.name for carrier in TABLE.rows if carrier.paths} == set(TABLE.site_paths)
    for carrier in TABLE.rows:
        if carrier.about == "site":
            assert carrier.syntax in {"txt", "json", "xml"}, carrier.name
        for path in carrier.paths:
            assert site_kind(f"https://a.example{path}") == carrier.name
            assert kind_of(Response(f"https://a.example{path}", body=b"x")) == carrier.name


def test_the_crawler_asks_for_what_the_table_says():
    for shows_pages in (True, False):
        files = SiteFileUrls()
        ask = files.about_page if shows_pages else files.about_image
        found = [
            (w.kind, w.url.removeprefix("https://a.example"))
            for w in ask("https://a.example/x", ())
        ]
        assert found == list(TABLE.requested(shows_pages))


def test_a_file_is_told_by_its_words():
    row = Carrier("new-xml", "site", ("/new.xml",), words="<new")
    table = Carriers((row, *TABLE.rows))
    for declared, content, kind in [
        (table, b"<?xml version='1.0'?><new/>", "new-xml"),
        (TABLE, b"<?xml version='1.0'?><new/>", "html"),
        (table, b"<svg/>", "image"),
        (table, "<svg/>".encode("utf-16"), "image"),
        (table, b"<svg><metadata><rdf:RDF/></metadata></svg>", "image"),
        (table, b"<!doctype html><p><svg/>", "html"),
        (table, b'{"tdm-reservation": 1}', "tdmrep-json"),
        (table, b"# Spawning AI\nUser-agent: *\nDisallow: /", "ai-txt"),
        (table, b"# mine\nUser-agent: *\nDisallow: /", "robots-txt"),
        (table, b"new", None),
    ]:
        assert kind_by_content(content, declared) == kind
    assert kind_of_body("text/xml", b"<new/>", table) == "new-xml"
    assert kind_of_body("text/xml", b"<new/>", TABLE) == "headers"


@pytest.mark.parametrize(
    ("text", "is_page"),
    [
        ("<new a='b'/>", False),
        ("<!doctype html><p>gone", True),
        ("<p>gone", True),
        ("<b:new>", False),
    ],
)
def test_an_xml_file_of_any_vocabulary_is_no_web_page(text, is_page):
    assert is_web_page("new-xml", text) == is_page
    assert is_web_page("new-json", text)


def test_what_readers_say_they_read_at_a_host_is_asked_for():
    asked = {path for _, path in TABLE.requested(shows_pages=True)}
    for reader in readers().values():
        for path in TABLE.at_path:
            carrier = next(c for c in TABLE.rows if c.name == TABLE.at_path[path])
            if f"`{path}`" in (reader.__doc__ or "") and carrier.requested_from:
                assert path in asked


def test_every_container_of_metadata_is_an_image():
    heads = [
        known.before + start.rjust(known.offset + len(start) - len(known.before), b"\0")
        for known in IMAGE_FORMATS
        for start in known.starts
    ]
    assert all(is_image(head) for head in heads)
    assert is_image(b"\0\0\0\x0cjP  \r\n\x87\n")
    unknown = set(containers()) - {known.name for known in IMAGE_FORMATS} - {"riff"}
    assert unknown == set()


@pytest.mark.parametrize("name", image_files.files(b""))
def test_a_file_that_holds_metadata_is_an_image_to_all(name):
    content = image_files.files(image_files.marked())[name]
    known = [one for one, container in containers().items() if container.recognises(content[:4096])]
    assert len(known) == 1
    assert is_still_image(content) or is_svg(content)
    assert kind_by_content(content, TABLE) == "image"


def heads():
    """Return the first bytes of every format that has a signature, brand by brand."""
    return {
        (known.name, start + brand): known.before
        + b"\0" * (known.offset - len(known.before))
        + start
        + brand
        for known in IMAGE_FORMATS
        for start in known.starts
        for brand in known.brands
    }


# The rest of the signatures that are longer where files are decoded.
RESTS = {"png": b"\x1a\n", "gif": b"9a"}


def decoded_or_named(name, head):
    """Return what the decoder says of these first bytes: `read`, the name, or None."""
    head = b"RIFF" + head[4:] if name == "webp" else head + RESTS.get(name, b"")
    return "read" if _decode._has_known_signature(head) else _decode._unsupported(head)


def test_the_table_of_what_is_decoded_agrees_with_that_of_the_formats():
    said = {key: decoded_or_named(key[0], head) for key, head in heads().items()}
    # Pillow opens any file that begins with BM, so there is no signature.
    assert {key[0] for key, word in said.items() if word is None} == {"bmp"}
    names = {}
    for (name, _), word in said.items():
        names.setdefault(name, set()).add(word)
    assert names == {
        **{key: {"read"} for key in ("jpeg", "png", "gif", "webp", "tiff", "jp2")},
        **{"bmff": {"read", "HEIC"}, "jxl": {"JPEG XL"}, "psd": {"Photoshop"}, "bmp": {None}},
    }


def test_base64_of_images_begins_as_the_table_says():
    files = image_files.files(b"")
    for start in BASE64_STARTS:
        names = [n for n, f in files.items() if base64.b64encode(f).startswith(start.encode())]
        assert names, start


def test_what_is_decoded_is_an_image_by_the_table():
    no_images = {"EPS", "PDF", "icon"}
    named = [start for start, name in _decode._UNSUPPORTED.items() if name not in no_images]
    brands = [b"\0\0\0\x20ftyp" + brand for brand in _decode._HEIF_BRANDS]
    for head in (*_decode._SIGNATURES, *named, *brands):
        assert is_still_image(head), head


def test_what_has_credentials_is_an_image_by_the_table():
    named = {}
    for (name, _), head in heads().items():
        content = (b"RIFF" + head[4:] if name == "webp" else head) + RESTS.get(name, b"")
        content += b"\r\n\x87\n" if content.endswith(b"JXL ") else b""
        for start, type_name in content_credentials._FORMATS:
            if start.match(content):
                named.setdefault(type_name, set()).add(name)
    assert {key: len(value) for key, value in named.items()} == dict.fromkeys(
        (type_name for _, type_name in content_credentials._FORMATS), 1
    )


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("p.jp2", b"\0\0\0\x0cjP  \r\n\x87\n", "image"),
        ("p.dat", b"\0\0\0\x0cjP  \r\n\x87\n", "image"),
        ("p.heif", b"", "image"),
        ("robots (2).txt", b"", "robots-txt"),
        ("a.example-ai.txt", b"", "ai-txt"),
        ("ai.json", b"{}", "ai-txt"),
        ("trust.txt", b"", "trust-txt"),
        ("tdmrep.json", b"[]", "tdmrep-json"),
        ("page.XHTML", b"", "html"),
        ("p.png", image_files.png(), "image"),
        ("a.warc.gz", b"", "warc"),
    ],
)
def test_names_and_bytes_of_saved_files(name, content, kind):
    assert guess_kind(name, content)[0] == kind


@pytest.mark.parametrize("name", ["openai.json", "chai.txt"])
def test_other_names(name):
    assert guess_kind(name, b"User-agent: *\nDisallow: /")[0] == "robots-txt"


STILL = (
    b"\xff\xd8\xff\xe0",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\n\0\0\0WEBP",
    b"\0\0\0\x20ftypavif",
    b"BM\n\0\0\0\0\0\0\0",
    b"\0\0\0\x0cjP  ",
)
OTHERS = (
    b"",
    b"BMW and other cars",
    b"\0\0\0\x20ftypisom",
    b"RIFF\n\0\0\0WAVE",
    b"ftyp",
    b"<html>",
)


def test_films_and_texts_are_no_still_images():
    assert all(map(is_still_image, STILL))
    assert not any(map(is_still_image, OTHERS))
