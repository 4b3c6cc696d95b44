"""A bundle that fits is verified; whatever is changed in it is found and named."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from bundled import (
    ALL,
    HEADERS,
    HTML,
    PAGE,
    RULES,
    URL,
    digest,
    known,
    made,
    record,
)

from registry import __version__
from registry.bundles.content import Bundle, Piece
from registry.bundles.marks import marks
from registry.bundles.readme import readme
from registry.bundles.verification import Verification, verify
from registry.bundles.warc_records import parts_of
from registry.model import Evidence
from registry.snapshot.record_digests import record_digest


def verified(bundle: Bundle, warc: bytes | None, text: str | None = None) -> Verification:
    """Verify a bundle against the digests of the untouched one."""
    genuine, _ = made()
    return verify(bundle, readme(bundle) if text is None else text, warc, known(genuine))


def differences(result: Verification) -> list[str]:
    return [f"{c.what}: {c.reason}" for c in result.checks if c.outcome == "differs"]


def test_a_bundle_that_fits_is_verified():
    bundle, warc = made()
    result = verified(bundle, warc)
    assert result.is_proven
    assert differences(result) == []
    fits = [check.what for check in result.checks if check.outcome == "fits"]
    assert len(fits) == len(ALL) * 2 + 2 + 1
    # Each thing that no digest covers is said.
    unchecked = " ".join(check.what for check in result.checks if check.outcome == "unchecked")
    for part in ("when the bundle was made", "equal readings", "dates", "requests"):
        assert part in unchecked
    assert [(mark.record, mark.carrier) for mark in result.marks] == [
        ("observation:7", "headers"),
        ("observation:7", "xmp"),
        ("observation:7", "html"),
        ("site-rule:2", "robots-txt"),
    ]
    assert result.marks[0].text == "X-Robots-Tag: noai"


def piece_changed(**changed: object) -> Callable[[Bundle], Bundle]:
    def change(bundle: Bundle) -> Bundle:
        first, *others = bundle.evidence
        return replace(
            bundle,
            evidence=(replace(first, evidence=replace(first.evidence, **changed)), *others),
        )

    return change


def field_changed(number: int, *, sealed: bool = False, **changed: object):
    def change(bundle: Bundle) -> Bundle:
        changed_records = list(bundle.records)
        one = changed_records[number]
        fields = {**one.fields, **changed}
        mark = record_digest(fields).hex() if sealed else one.digest
        changed_records[number] = replace(one, fields=fields, digest=mark)
        return replace(bundle, records=tuple(changed_records))

    return change


def new_text(bundle: Bundle) -> Bundle:
    """Replace an evidence, its digest, and all digests made of it: as a forger would."""
    forged = replace(HEADERS, lines=(("X-Robots-Tag", "noindex"),))
    pieces = (Piece(digest(forged), forged, bundle.evidence[0].warc), *bundle.evidence[1:])
    listed = [digest(forged), *bundle.records[0].evidence[1:]]
    changed = field_changed(0, sealed=True, evidence=listed)(bundle)
    return replace(changed, evidence=pieces)


TAMPERED = {
    "a header line": (piece_changed(lines=(("X-Robots-Tag", "noimageai"),)), "another digest"),
    "its URL": (piece_changed(url="https://other.example/1.jpg"), "another digest"),
    "its carrier": (piece_changed(carrier="html"), "another digest"),
    "the object": (piece_changed(about="page"), "another digest"),
    "a text beside the lines": (piece_changed(text="x"), "another digest"),
    "the date": (field_changed(0, observed_at="2020-01-01T00:00:00+00:00"), "fields have another"),
    "the date, with a new digest": (
        field_changed(0, sealed=True, observed_at="2020-01-01T00:00:00+00:00"),
        "the snapshot has another digest",
    ),
    "the image": (field_changed(0, sealed=True, image_url=PAGE), "the snapshot has another"),
    "the picture": (field_changed(0, sealed=True, sha256="cd" * 32), "the snapshot has another"),
    "a site file's date": (
        field_changed(1, sealed=True, observed_at="2020-01-01T00:00:00+00:00"),
        "site-rule:2 of 2020",
    ),
    "evidence, with new digests": (new_text, "the snapshot has another digest"),
    "the registry": (lambda b: replace(b, registry="another"), "of another registry"),
    "a piece removed": (lambda b: replace(b, evidence=b.evidence[1:]), "not in the bundle"),
    "a piece added": (
        lambda b: replace(
            b, evidence=(*b.evidence, Piece(digest(o := Evidence("html", "page", URL)), o))
        ),
        "belongs to no record",
    ),
    "the offset of a record": (
        lambda b: replace(
            b,
            evidence=(
                replace(b.evidence[0], warc=replace(b.evidence[0].warc, offset=1)),
                *b.evidence[1:],
            ),
        ),
        "WARC record of headers",
    ),
    "records left out": (
        lambda b: replace(b, evidence=tuple(replace(p, warc=None) for p in b.evidence)),
        "records of no evidence",
    ),
}


@pytest.mark.parametrize(("change", "named"), TAMPERED.values(), ids=TAMPERED)
def test_a_change_is_found_and_named(change: Callable[[Bundle], Bundle], named: str):
    bundle, warc = made()
    result = verified(change(bundle), warc)
    assert not result.is_proven
    assert named in " ".join(differences(result))


def test_marks_of_what_does_not_fit_are_not_shown():
    bundle, warc = made()
    forged = verified(new_text(bundle), warc)
    assert forged.marks == ()
    rule = field_changed(1, sealed=True, kind="ai-txt")(bundle)
    assert {mark.record for mark in verified(rule, warc).marks} == {"observation:7"}


def test_a_record_that_the_snapshot_lacks_is_not_verified():
    bundle, warc = made()
    digests = dict(known(bundle).digests)
    del digests["observation:7"]
    result = verify(bundle, readme(bundle), warc, replace(known(bundle), digests=digests))
    assert (result.is_proven, result.is_newer) == (False, True)
    assert differences(result) == []
    assert result.marks == ()
    (check,) = [c for c in result.checks if "observation:7" in c.what]
    assert (check.outcome, check.reason) == ("unchecked", "the snapshot does not have it")


def test_missing_warc_records_are_said():
    bundle, _ = made()
    pieces = tuple(replace(p, warc=replace(p.warc, offset=None)) for p in bundle.evidence)
    result = verified(replace(bundle, evidence=pieces), None)
    assert result.is_proven
    reasons = [c.reason for c in result.checks if "WARC record of" in c.what]
    assert len(reasons) == len(ALL)
    assert all("not in the bundle: a.warc.gz at" in reason for reason in reasons)
    text = readme(replace(bundle, evidence=pieces))
    assert "a.warc.gz at byte 100" in text
    assert "evidence.warc.gz" not in text


@pytest.mark.parametrize("seed", range(40))
def test_a_flip_in_a_warc_record_never_passes_unless_it_is_in_what_is_not_compared(seed: int):
    """gzip has a checksum over every byte of a member, and few bytes of a header beside it."""
    bundle, warc = made()
    bit = random.Random(seed).randrange(len(warc) * 8)
    turned = bytearray(warc)
    turned[bit // 8] ^= 1 << bit % 8
    result = verified(bundle, bytes(turned))
    if result.is_proven:
        place = next(
            p.warc
            for p in bundle.evidence
            if p.warc.offset <= bit // 8 < p.warc.offset + p.warc.size
        )
        start = place.offset
        assert parts_of(bytes(turned)[start : start + place.size]) == parts_of(
            warc[start : start + place.size]
        )


@pytest.mark.parametrize("cut", [1, 30, 400])
def test_cut_or_longer_warc_records_differ(cut: int):
    bundle, warc = made()
    assert not verified(bundle, warc[:-cut]).is_proven
    assert not verified(bundle, warc + b"x" * cut).is_proven
    assert not verified(bundle, None).is_proven


def test_a_readme_that_says_something_else_differs():
    bundle, warc = made()
    ours = replace(bundle, version=__version__)
    assert "README.txt" in differences(verified(ours, warc, "All rights granted."))[0]
    other = verified(replace(bundle, version="99"), warc, "All rights granted.")
    (check,) = [c for c in other.checks if c.what == "README.txt"]
    assert (check.outcome, other.is_proven) == ("unchecked", True)


def test_the_readme_quotes_marks_on_one_line_each():
    bundle, _ = made()
    nasty = replace(HTML, text='<meta name="robots" content="noai\n\n\x1b[31m, noimageai">')
    page = replace(
        bundle,
        records=(
            record("observation:7", **{**bundle.records[0].fields, "evidence": [digest(nasty)]}),
        ),
        evidence=(Piece(digest(nasty), nasty),),
    )
    text = readme(page)
    assert "\x1b" not in text
    assert "noimageai" in text
    assert "registry evidence verify" in text
    assert URL in text
    assert "2026-11-01 12:00:00 UTC" in text


def test_rules_for_other_paths_are_not_the_images_marks():
    bundle, _ = made()
    other = replace(RULES, text="User-agent: GPTBot\nDisallow: /closed/\n")
    rule = record("site-rule:2", **{**bundle.records[1].fields, "evidence": [digest(other)]})
    changed = replace(
        bundle,
        records=(bundle.records[0], rule),
        evidence=(*bundle.evidence[:-1], Piece(digest(other), other)),
    )
    assert {mark.record for mark in marks(changed)} == {"observation:7"}
    assert "no mark that applies here" in readme(changed)
    # A bundle about the file itself has all of its marks.
    alone = replace(changed, records=(rule,))
    assert [mark.record for mark in marks(alone)] == ["site-rule:2"]


@pytest.mark.parametrize(("relation", "is_shown"), [("cdn", True), ("third-party", False)])
def test_rules_of_the_pages_host_for_an_image_elsewhere(relation: str, is_shown: bool):
    bundle, _ = made()
    image = "https://cdn.example/1.jpg"
    text = (
        f'<rsl xmlns="https://rslstandard.org/rsl"><content url="{image}"><license>'
        '<prohibits type="usage">ai-train</prohibits></license></content></rsl>'
    )
    listed = Evidence("rsl-xml", "site", "https://art.example/rsl.xml", text=text)
    fields = {**bundle.records[0].fields, "image_url": image, "relation": relation}
    rule = {**bundle.records[1].fields, "kind": "rsl-xml", "evidence": [digest(listed)]}
    rows = (record("observation:7", **fields), record("site-rule:2", **rule))
    found = marks(replace(bundle, records=rows, evidence=(Piece(digest(listed), listed),)))
    assert [mark.record for mark in found] == ["site-rule:2"] * is_shown
