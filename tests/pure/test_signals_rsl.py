"""RSL: what must hold on any document, and which of several licences has the word."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from registry.model import Evidence, PathRule, Signal, Target
from registry.signals import _rsl_document, licence, rsl, tdmrep_link
from registry.verdict import decide
from registry.verdict.patterns import Pattern
from registry.verdict.precedence import settled
from registry.verdict.site_rules import applicable

WILD = Path(__file__).parents[2].parent / "shared" / "wild"
SITE = "https://a.example"
IMAGE = f"{SITE}/images/a.jpg"
TRAINING = ("train", "train-genai")


def read(text, url=f"{SITE}/license.xml"):
    return rsl.read(Evidence("rsl-xml", "site", url, text=text))


def document(*contents, namespace='xmlns="https://rslstandard.org/rsl"'):
    return f"<rsl {namespace}>{''.join(contents)}</rsl>"


def content(url, *licences, extra=""):
    inner = "".join(f"<license>{text}</license>" for text in licences)
    return f'<content url="{url}"{extra}>{inner}</content>'


def permits(words, of="usage"):
    return f'<permits type="{of}">{words}</permits>'


def prohibits(words, of="usage"):
    return f'<prohibits type="{of}">{words}</prohibits>'


def decided(text, policy="letter", image=IMAGE, page=None):
    target = Target(image_url=image, page_url=page)
    return decide(applicable(read(text).signals, target), policy).decision


# What documents say, against the rules written down once more and plainly.

PATHS = ["/", "/images/", "/images/a.jpg$", "*.jpg", "/art/", "/i"]
WORDS = ["all", "ai-all", "ai-train", "ai-input", "search", "ai-index"]
BOUND = {"": False, '<payment type="free"/>': False, '<payment type="crawl"/>': True}
LICENCES = st.tuples(
    st.lists(st.sampled_from(WORDS), max_size=2),
    st.lists(st.sampled_from(WORDS), max_size=2),
    st.sampled_from(sorted(BOUND)),
)
CONTENTS = st.lists(
    st.tuples(st.sampled_from(PATHS), st.lists(LICENCES, min_size=1, max_size=2)), max_size=3
)
TRAINS = {"all", "ai-all", "ai-train"}


def written(contents):
    parts = []
    for path, licences in contents:
        texts = [
            (permits(" ".join(yes)) if yes else "") + (prohibits(" ".join(no)) if no else "") + pay
            for yes, no, pay in licences
        ]
        parts.append(content(path, *texts))
    return document(*parts)


def said(licences):
    """Return what the licences of one content say of training, and None for nothing."""
    if any(TRAINS & set(no) for _, no, _ in licences):
        return "reserved"
    bound = [BOUND[pay] for yes, _, pay in licences if TRAINS & set(yes)]
    if bound:
        return "conditional" if any(bound) else "allowed"
    return "reserved" if any(yes for yes, _, _ in licences) else None


def expected(contents):
    found = [
        (Pattern.compile(path).length, said(licences))
        for path, licences in contents
        if Pattern.compile(path).matches("/images/a.jpg") and said(licences)
    ]
    narrowest = max((length for length, _ in found), default=0)
    meanings = {meaning for length, meaning in found if length == narrowest}
    order = ("reserved", "conditional", "allowed")
    return next((each for each in order if each in meanings), "unspecified")


@given(CONTENTS)
@settings(max_examples=300)
def test_documents_are_evaluated_by_the_rules(contents):
    text = written(contents)
    assert read(text).warnings == ()
    assert decided(text) == expected(contents)
    # Of a licence that names no use only the cautious policy takes the payment.
    if all(any(yes or no for yes, no, _ in licences) for _, licences in contents):
        assert decided(text, "cautious") == expected(contents)


@given(CONTENTS, st.sampled_from(["", 'xmlns="urn:x"', 'xmlns="https://rslstandard.org/rsl/2"']))
def test_malformed_documents_refuse_what_they_prohibit_and_permit_nothing(contents, namespace):
    text = written(contents).replace('xmlns="https://rslstandard.org/rsl"', namespace)
    reading = read(text)
    assert reading.warnings
    assert {signal.conformance for signal in reading.signals} <= {"malformed"}
    assert all(meaning != "allowed" for s in reading.signals for _, meaning in s.uses)
    assert decided(text) == "unspecified"
    prohibited = any(
        TRAINS & set(no)
        for path, licences in contents
        if Pattern.compile(path).matches("/images/a.jpg")
        for _, no, _ in licences
    )
    assert (decided(text, "cautious") == "reserved") == prohibited


PIECES = st.sampled_from(
    [
        *("<rsl xmlns='https://rslstandard.org/rsl'>", "</rsl>", "<content url='/'>", "</content>"),
        *("<content url='", "'>", "<license>", "</license>", permits("all"), prohibits("ai-train")),
        *("<permits type='user'>", "</permits>", "<payment>", "</payment>", "<standard>", "&x;"),
        *("<!DOCTYPE rsl>", "<!--", "-->", "<![CDATA[", "]]>", "https://[", "//", "\x00", "\ud800"),
        *('<script type="application/rsl+xml">', "</script>", '<link rel="license" href="', "<"),
        *("License: ", "\n", "RSL: https://a.example/\n", "User-agent: ", "; rel=", '"', ",", "é"),
        *("rel=license", "type=application/rsl+xml", "<rsl:rsl xmlns:rsl='https://rslstandard.org"),
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=30).map("".join))


@given(
    st.sampled_from(["headers", "html", "robots-txt", "rsl-xml", "xmp"]),
    st.lists(TEXTS, max_size=2),
    st.sampled_from([SITE, "", "not a url", "https://["]),
)
@example("rsl-xml", [document(content("https://[::1]/", permits("all")))], SITE)
@example("html", ['<base href="https://[">', '<link rel=license href="//[">'], "https://[")
@settings(max_examples=400)
def test_nothing_raises_and_signals_are_well_formed(carrier, texts, url):
    lines = tuple(("Link", text) for text in texts)
    evidence = Evidence(carrier, "image", url, lines, "".join(texts))
    for reader in (rsl, licence, tdmrep_link):
        if carrier not in reader.CARRIERS:
            continue
        reading = reader.read(evidence)
        for signal in reading.signals:
            assert signal.name == signal.name.lower()
            assert signal.raw
            assert signal.carrier == carrier
            assert all(
                meaning != "allowed" or signal.conformance == "ok" for _, meaning in signal.uses
            )
            assert signal.conformance != "malformed" or reading.warnings
            assert (signal.licence_url or "http").startswith(("http", "HTTP"))


# Which of several contents has the word.


def licensed(meaning, pattern, order=0, **more):
    rule = PathRule(pattern, "all", order) if pattern else None
    uses = tuple((use, meaning) for use in TRAINING)
    given = {"uses": uses, "rule": rule, "url": f"{SITE}/l.xml", **more}
    return Signal(f"rsl:{meaning}", "rsl", "rsl-xml", "site", f"{meaning} {pattern}", **given)


def test_a_malformed_licence_speaks_over_nothing():
    broad = licensed("reserved", "/")
    assert settled([broad, licensed("allowed", "/images/", conformance="malformed")])[0] == broad
    assert settled([broad, licensed("conditional", "/images/", conformance="legacy")])[0] == broad


def test_a_well_written_licence_speaks_over_a_malformed_broader_one():
    narrow = licensed("allowed", "/images/")
    assert settled([licensed("reserved", "/", conformance="malformed"), narrow]) == [narrow]


def test_equally_narrow_licences_all_count():
    both = [licensed("allowed", "/images/"), licensed("reserved", "*images/")]
    both[1] = licensed("reserved", "/*mages/")
    assert settled(both) == both
    assert decide(both, "letter").decision == "reserved"


def test_documents_do_not_speak_over_each_other():
    both = [licensed("reserved", "/"), licensed("allowed", "/images/", url=f"{SITE}/other.xml")]
    assert settled(both) == both
    assert decide(both, "letter").decision == "reserved"


def test_what_speaks_of_its_carrier_alone_is_the_narrowest():
    alone = licensed("conditional", None)
    assert settled([licensed("reserved", "/images/a.jpg$"), alone]) == [alone]


def test_a_narrower_licence_of_the_page_leaves_that_of_the_image():
    text = document(
        content("/", prohibits("ai-train")), content("/a/long/path/", permits("ai-train"))
    )
    assert decided(text, page=f"{SITE}/a/long/path/1") == "reserved"


def test_what_goes_with_a_licence_goes_when_it_goes():
    text = document(
        content("/", permits("ai-all") + '<payment type="crawl"/>', extra=' server="https://l.x/"'),
        content("/images/", prohibits("ai-train")),
    )
    target = Target(image_url=IMAGE)
    left = settled(applicable(read(text).signals, target))
    assert [signal.name for signal in left] == ["rsl:prohibits=ai-train"]


# Other hosts.


@pytest.mark.parametrize(
    ("words", "image", "decision"),
    [
        (prohibits("ai-train"), "https://cdn.example/x/a.jpg", "reserved"),
        (prohibits("ai-train"), "https://cdn.example/y/a.jpg", "unspecified"),
        (prohibits("ai-train"), "https://cdn.example:8443/x/a.jpg", "unspecified"),
        (prohibits("ai-train"), f"{SITE}/x/a.jpg", "unspecified"),
        (permits("ai-train"), "https://cdn.example/x/a.jpg", "unspecified"),
        (permits("ai-all") + '<payment type="use"/>', "https://cdn.example/x/a.jpg", "conditional"),
    ],
)
def test_a_document_refuses_on_another_host_and_permits_nothing_there(words, image, decision):
    text = document(content("https://cdn.example/x/", words))
    assert decided(text, image=image) == decision


def test_www_is_the_same_host():
    text = document(content("https://www.a.example/", permits("all")))
    assert decided(text, image="https://www.a.example/a.jpg") == "allowed"


# A refusal and a licence of one site.


@pytest.mark.parametrize("vocabulary", ["content-usage", "content-signal", "tdmrep"])
def test_a_refusal_and_a_paid_licence_of_one_site_are_a_condition(vocabulary):
    uses = tuple((use, "reserved") for use in TRAINING)
    refusal = Signal("no", vocabulary, "headers", "image", "no", url=IMAGE, uses=uses)
    paid = document(content("/", permits("ai-train") + '<payment type="crawl"/>'))
    licences = list(read(paid).signals)
    assert decide([refusal, *licences], "letter").decision == "conditional"
    elsewhere = list(read(paid, "https://other.example/license.xml").signals)
    assert decide([refusal, *elsewhere], "letter").decision == "reserved"
    free = list(read(document(content("/", permits("ai-train")))).signals)
    assert decide([refusal, *free], "letter").decision == "reserved"


def test_the_artists_mark_is_not_lifted_by_the_sites_licence():
    uses = tuple((use, "reserved") for use in TRAINING)
    refusal = Signal("noai", "x-robots-tag", "headers", "image", "noai", url=IMAGE, uses=uses)
    paid = document(content("/", permits("ai-train") + '<payment type="crawl"/>'))
    assert decide([refusal, *read(paid).signals], "letter").decision == "reserved"


def test_a_prohibition_is_not_lifted_by_another_licence():
    text = document(content("/", permits("all") + '<payment type="use"/>', prohibits("ai-train")))
    assert decided(text) == "reserved"


# Bounds.


def test_more_contents_than_are_read_refuse_everything_if_one_of_them_refuses():
    many = [content(f"/a{n}", permits("ai-train")) for n in range(_rsl_document.MAX_SIGNALS + 1)]
    broad = content("/", permits("all"))
    quiet = read(document(broad, *many))
    assert len(quiet.signals) == _rsl_document.MAX_SIGNALS
    assert all(meaning != "allowed" for signal in quiet.signals for _, meaning in signal.uses)
    text = document(broad, *many, content("/z", prohibits("ai-train")))
    assert (decided(text), decided(text, "cautious")) == ("unspecified", "reserved")
    assert "read as a refusal of everything" in read(text).warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        "<rsl>" * 500_000,
        "<content " * 300_000,
        "<!--" * 500_000,
        "<a:" * 500_000,
        document(content("/", prohibits("ai-train, " * 100_000))),
        document(content("/" + "*a" * 500_000, prohibits("ai-train"))),
        document(*[content("/", prohibits("AI-TRAIN"))] * 20_000),
        "<!DOCTYPE rsl [" + "<!ENTITY a 'b'>" * 1000 + "]>" + document(),
    ],
    ids=lambda text: text[:12],
)
def test_hostile_documents_are_bounded(text):
    reading = read(text)
    assert len(reading.signals) <= _rsl_document.MAX_SIGNALS + 1
    assert len(reading.warnings) <= rsl.MAX_WARNINGS
    assert all(len(signal.raw) <= 4096 for signal in reading.signals)
    assert sum(map(len, reading.warnings)) < 20_000


def test_a_page_of_many_documents_is_bounded():
    inline = f'<script type="application/rsl+xml">{document(content("", permits("all")))}</script>'
    page = rsl.read(Evidence("html", "page", SITE, text=inline * 1000))
    assert len(page.signals) == 1
    assert "more than" in page.warnings[0]


# Files as they were found.


@pytest.mark.parametrize(
    ("name", "decision", "licence_url"),
    [
        ("rsl_alexzee_permissive.xml", "conditional", "https://artlibre.org/licence/lal/en/"),
        ("rsl_yoshi_aitrain_free.xml", "allowed", None),
    ],
)
def test_real_documents_are_read(name, decision, licence_url):
    path = WILD / name
    if not path.is_file():
        pytest.skip("the collection of real files is not beside this checkout")
    host = "https://alexzeecomedy.com"
    signals = read(path.read_text("utf-8"), f"{host}/rsl.xml").signals
    verdict = decide(applicable(signals, Target(image_url=f"{host}/a.jpg")), "letter")
    assert (verdict.decision, verdict.licence_url) == (decision, licence_url)
