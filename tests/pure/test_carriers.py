"""The table of carriers, and that what is derived from it agrees."""

import image_files
import pytest

from crawler.visit.site_files import SiteFiles
from registry.cli._evidence_files import FILE_KINDS, guess_kind
from registry.evidence.carriers import (
    AT_PATH,
    CARRIERS,
    IMAGE_FORMATS,
    OF_ENDING,
    SITE_PATHS,
    asked_for,
    is_image,
    is_still_image,
)
from registry.evidence.responses import Response, kind_of, site_kind
from registry.evidence.xmp import containers
from registry.explain.evidence_lines import HEADER_KINDS, KINDS
from registry.signals import readers

NAMES = [carrier.name for carrier in CARRIERS]


def test_every_carrier_that_is_read_is_in_the_table():
    read = {carrier for reader in readers().values() for carrier in reader.CARRIERS}
    assert read == set(NAMES)
    assert set(KINDS) == {*NAMES, *HEADER_KINDS} - {"headers"}
    assert set(FILE_KINDS) == {*KINDS, "headers", "image", "warc", "mhtml"}


def test_no_place_or_name_is_given_twice():
    paths = [path for carrier in CARRIERS for path in carrier.paths]
    endings = [e for each in (*CARRIERS, *IMAGE_FORMATS) for e in each.endings]
    assert (len(paths), len(endings)) == (len(AT_PATH), len(OF_ENDING))


def test_places_are_those_of_files_of_a_site():
    assert {carrier.name for carrier in CARRIERS if carrier.paths} == set(SITE_PATHS)
    for carrier in CARRIERS:
        for path in carrier.paths:
            assert site_kind(f"https://a.example{path}") == carrier.name
            assert kind_of(Response(f"https://a.example{path}", body=b"x")) == carrier.name


def test_the_crawler_asks_for_what_the_table_says():
    for shows_pages in (True, False):
        files = SiteFiles()
        ask = files.about_page if shows_pages else files.about_image
        found = [
            (w.kind, w.url.removeprefix("https://a.example"))
            for w in ask("https://a.example/x", ())
        ]
        assert found == list(asked_for(shows_pages))


def test_what_readers_say_they_read_at_a_host_is_asked_for():
    asked = {path for _, path in asked_for(shows_pages=True)}
    for reader in readers().values():
        for path in AT_PATH:
            carrier = next(c for c in CARRIERS if c.name == AT_PATH[path])
            if f"`{path}`" in (reader.__doc__ or "") and carrier.asked_of:
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
