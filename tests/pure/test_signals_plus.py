"""PLUS Data Mining beyond the vectors: every form of every value, and hostile packets."""

import tracemalloc

import image_files as made
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.model import USES, Evidence
from registry.signals import plus
from registry.signals._directives import MAX_RAW
from registry.verdict import decide

URL = "https://a.example/1.jpg"
FORMS = {
    "attribute": '<rdf:Description xmlns:{p}="{ns}" {p}:DataMining="{value}"/>',
    "element": '<rdf:Description xmlns:{p}="{ns}"><{p}:DataMining> {value}\n</{p}:DataMining>'
    "</rdf:Description>",
    "resource": '<rdf:Description xmlns:{p}="{ns}"><{p}:DataMining rdf:resource="{value}"/>'
    "</rdf:Description>",
    "typed node": '<rdf:Bag xmlns:{p}="{ns}" {p}:DataMining="{value}"/>',
}


def packet(body):
    return f'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{body}</rdf:RDF>'


def read(text, about="image"):
    return plus.read(Evidence("xmp", about, URL, text=text))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("prefix", ["plus", "p", "dc"])
@pytest.mark.parametrize("token", plus.USES)
def test_every_value_in_every_form(form, prefix, token):
    value = plus.VALUES + token
    reading = read(packet(FORMS[form].format(p=prefix, ns=plus.PLUS, value=value)))
    assert reading.warnings == ()
    (signal,) = reading.signals
    assert (signal.name, signal.conformance) == (f"plus:{token}", "ok")
    assert (signal.scope, signal.url) == ("image", URL)
    assert signal.raw == f"plus:DataMining={value}"
    assert signal.uses == plus.USES[token]


def test_what_the_nine_values_say():
    said = {token: {use for use, m in uses if m == "reserved"} for token, uses in plus.USES.items()}
    assert len(said) == 9
    assert said.pop("DMI-PROHIBITED-AIMLTRAINING") == {"train", "train-genai"}
    assert said.pop("DMI-PROHIBITED-GENAIMLTRAINING") == {"train-genai"}
    search = said.pop("DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING")
    assert search == {"tdm", "train", "train-genai"}
    assert said.pop("DMI-UNSPECIFIED") == said.pop("DMI-ALLOWED") == set()
    assert all(uses == search | {"search", "index"} for uses in said.values())


@pytest.mark.parametrize("token", plus.USES)
@pytest.mark.parametrize(
    "value",
    ["{}", "http://ns.useplus.org/ldf/value/{}", "https://ns.useplus.org/ldf/vocab/{}", "x:{}"],
)
def test_another_base_refuses_at_most(token, value):
    value = value.format(token)
    reading = read(packet(FORMS["attribute"].format(p="plus", ns=plus.PLUS, value=value)))
    assert reading.warnings
    assert bool(reading.signals) == token.startswith("DMI-PROHIBITED")
    for signal in reading.signals:
        assert signal.conformance == "malformed"
        assert signal.name == f"plus:{token}"
        assert "allowed" not in dict(signal.uses).values()
    assert decide(reading.signals, "letter").decision == "unspecified"


@given(st.lists(st.sampled_from(sorted(plus.USES)), min_size=2, max_size=4))
def test_of_several_values_the_strictest_decides(tokens):
    each = [
        FORMS["attribute"].format(p="plus", ns=plus.PLUS, value=plus.VALUES + token)
        for token in tokens
    ]
    reading = read(packet("".join(each)))
    assert {signal.name for signal in reading.signals} == {f"plus:{token}" for token in tokens}
    assert bool(reading.warnings) == (len(set(tokens)) > 1)
    refused = any(token.startswith("DMI-PROHIBITED") for token in tokens)
    expected = "reserved" if refused else "allowed" if "DMI-ALLOWED" in tokens else "unspecified"
    assert decide(reading.signals, "letter").decision == expected


def test_one_language_without_a_default():
    inner = (
        "<plus:OtherConstraints><rdf:Alt><rdf:li xml:lang='de'>Nur auf Anfrage</rdf:li>"
        "<rdf:li xml:lang='fr'>Sur demande</rdf:li></rdf:Alt></plus:OtherConstraints>"
    )
    (signal,) = read(made.packet("", inner).decode()).signals
    assert (signal.raw, signal.uses) == ("Nur auf Anfrage", ())


def test_link_that_is_no_address_is_no_licence():
    value = f'plus:DataMining="{plus.VALUES}DMI-PROHIBITED-SEELINKEDRIGHTSEXPR"'
    link = f'<i:LinkedEncRightsExpr xmlns:i="{plus.IPTC}"><rdf:Bag><rdf:li><rdf:Description>'
    link += "<i:LinkedRightsExpr>{}</i:LinkedRightsExpr></rdf:Description></rdf:li></rdf:Bag>"
    link += "</i:LinkedEncRightsExpr>"
    for text, licence in (
        ("javascript:alert(1)", None),
        (" https://a.example/l ", "https://a.example/l"),
    ):
        (signal,) = read(made.packet(value, link.format(text)).decode()).signals
        assert signal.licence_url == licence
        assert signal.meaning("train") == "conditional"


PIECES = st.sampled_from(
    [
        *("<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>", "</rdf:RDF>"),
        *("<rdf:Description>", "</rdf:Description>", "<a>", "</a>", "<!--", "-->", "&amp;", "&x;"),
        f"<p:DataMining xmlns:p='{plus.PLUS}'>",
        "</p:DataMining>",
        f"<p:OtherConstraints xmlns:p='{plus.PLUS}'>",
        "</p:OtherConstraints>",
        *(plus.VALUES + token for token in plus.USES),
        *(
            "DMI-PROHIBITED",
            "DMI-ALLOWED",
            "prohibited",
            "\x00",
            "\ud800",
            "<!DOCTYPE a>",
            "é",
            "\n",
        ),
        "<DMI a='DMI-PROHIBITED'/>",
    ]
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=30).map("".join)))
@settings(max_examples=400, deadline=None)
def test_reader_never_raises_and_its_signals_are_well_formed(text):
    reading = read(text)
    assert len(reading.warnings) <= plus.MAX_WARNINGS
    for signal in reading.signals:
        assert signal.name.startswith("plus:")
        assert 0 < len(signal.raw) <= MAX_RAW
        assert {use for use, _ in signal.uses} <= set(USES)
        if signal.conformance != "ok":
            assert signal.conformance == "malformed"
            assert "allowed" not in dict(signal.uses).values()
            assert signal.uses
            assert reading.warnings


@pytest.mark.parametrize(
    "text",
    [
        "x" * 5_000_000,
        "DMI-PROHIBITED " * 350_000,
        "<a>" * 1_600_000,
        packet("<a>DMI-PROHIBITED</a>" * 60_000),
        packet(FORMS["attribute"].format(p="p", ns=plus.PLUS, value="DMI-PROHIBITED-X") * 12_000),
        packet(
            f"<p:DataMining xmlns:p='{plus.PLUS}'>"
            + "<b>DMI-PROHIBITED</b>" * 40_000
            + "</p:DataMining>"
        ),
        packet(
            f"<a xmlns:p='{plus.PLUS}'>"
            + "".join(f"<p:OtherConstraints>{n}</p:OtherConstraints>" for n in range(40_000))
            + "</a>"
        ),
        packet("<a " + " ".join(f"b{n}='DMI-PROHIBITED'" for n in range(60_000)) + "/>"),
    ],
    ids=["garbage", "marks", "depth", "elements", "values", "parts", "constraints", "attributes"],
)
def test_hostile_packets_are_bounded(text):
    tracemalloc.start()
    reading = read(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(reading.signals) <= 50
    assert len(reading.warnings) <= plus.MAX_WARNINGS
    assert sum(map(len, reading.warnings)) < 20_000
    assert peak < 200_000_000
