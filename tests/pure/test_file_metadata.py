"""XMP packets in image files: where they are found, and what is kept of them."""

import struct
import zlib

import image_files as made
import pytest

from registry.evidence.xmp import containers, read_file_metadata
from registry.evidence.xmp._packet import MAX_KEPT
from registry.signals import read

PACKET = made.marked()
TEXT = PACKET.decode().replace("<?xpacket end", "\n<?xpacket end")


def texts(data):
    return [evidence.text for evidence in read_file_metadata(data).evidence]


def names(data):
    evidence = read_file_metadata(data).evidence
    return [signal.name for e in evidence for signal in read(e).signals]


@pytest.mark.parametrize("name", made.files(PACKET))
def test_packet_is_found_in_every_container(name):
    found = read_file_metadata(made.files(PACKET)[name], "https://a.example/1")
    assert found.warnings == ()
    (evidence,) = found.evidence
    assert (evidence.carrier, evidence.about) == ("xmp", "image")
    assert evidence.url == "https://a.example/1"
    if name != "svg":
        assert evidence.text == TEXT
    assert [s.name for s in read(evidence).signals] == ["plus:DMI-PROHIBITED"]


def test_every_container_is_tried():
    for name, container in containers().items():
        made_files = made.files(PACKET)
        assert any(container.recognises(data[:4096]) for data in made_files.values()), name


@pytest.mark.parametrize("name", made.files(b""))
def test_file_without_a_packet_has_no_evidence(name):
    assert read_file_metadata(made.files(b"")[name]).evidence == ()


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\xff\xd8", b"%PDF-1.7", b"\xff\x0a" + b"\0" * 40]
)
def test_other_bytes_give_nothing(data):
    assert read_file_metadata(data) == read_file_metadata(b"")
    assert not read_file_metadata(data).warnings


def test_two_packets_are_two_pieces_of_evidence_and_one_twice_is_one():
    other = made.marked("DMI-ALLOWED")
    data = made.jpeg(made.app1(PACKET), made.app1(other), made.app1(PACKET))
    assert names(data) == ["plus:DMI-PROHIBITED", "plus:DMI-ALLOWED"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-le"])
def test_encodings_of_unicode(encoding):
    text = PACKET.decode().partition("?>")[2]
    assert names(made.jxl(made.box(b"xml ", text.encode(encoding)))) == ["plus:DMI-PROHIBITED"]


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt"])
def test_the_keyword_of_xmp_in_another_chunk_of_png(kind):
    text = b"\0" + zlib.compress(PACKET) if kind == b"zTXt" else PACKET
    data = made.png(made.chunk(kind, b"XML:com.adobe.xmp\0" + text))
    assert names(data) == ["plus:DMI-PROHIBITED"]


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_packet_in_the_exif_data_of_jpeg(order):
    exif = made.segment(0xE1, b"Exif\0\0" + made.tiff(PACKET, order=order))
    assert names(made.jpeg(exif)) == ["plus:DMI-PROHIBITED"]
    other = made.segment(0xE1, b"Exif\0\0" + b"no TIFF")
    assert read_file_metadata(made.jpeg(other)) == read_file_metadata(made.jpeg())


def test_padding_is_not_kept():
    body, end, wrapper = PACKET.partition(b"<?xpacket end")
    padded = body + b" " * 200_000 + end + wrapper + b"\0" * 100
    assert texts(made.tiff(padded)) == [TEXT]


def test_no_nul_and_no_surrogate_is_kept():
    (text,) = texts(made.webp(b"<a>\0\xed\xa0\x80\xff</a>"))
    assert "\0" not in text
    assert text.encode("utf-8")


class TestExtendedXMP:
    INNER = made.packet(
        "", "<plus:OtherConstraints>" + "Ask me. " * 500 + "</plus:OtherConstraints>"
    )

    def main(self, md5):
        note = f'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{md5}"'
        value = f'plus:DataMining="{made.VOCABULARY}DMI-PROHIBITED-SEECONSTRAINT"'
        return made.app1(made.packet(f"{note} {value}"))

    @pytest.mark.parametrize("turn", [0, 1, 3])
    def test_packet_and_extension_are_one(self, turn):
        pieces, md5 = made.extension(self.INNER)
        turned = pieces[turn:] + pieces[:turn]
        found = read_file_metadata(made.jpeg(*turned[:2], self.main(md5), *turned[2:]))
        assert found.warnings == ()
        (evidence,) = found.evidence
        mark, constraint = read(evidence).signals
        assert mark.meaning("train") == "conditional"
        assert constraint.name == "plus:OtherConstraints"

    @pytest.mark.parametrize("missing", [0, 1, -1])
    def test_missing_piece_leaves_what_is_there(self, missing):
        pieces, md5 = made.extension(self.INNER)
        del pieces[missing]
        data = made.jpeg(self.main(md5), *pieces)
        assert any("missing" in warning for warning in read_file_metadata(data).warnings)
        assert names(data)[0] == "plus:DMI-PROHIBITED-SEECONSTRAINT"
        assert any("Ask me." in text for text in texts(data))

    def test_pieces_may_overlap(self):
        pieces, md5 = made.extension(self.INNER, 700)
        again, _ = made.extension(self.INNER, 500)
        found = read_file_metadata(made.jpeg(self.main(md5), *pieces, *again))
        assert found.warnings == ()

    def test_extension_that_nobody_names_is_not_read(self):
        pieces, _ = made.extension(made.marked("DMI-ALLOWED"))
        data = made.jpeg(made.app1(PACKET), *pieces)
        assert names(data) == ["plus:DMI-PROHIBITED"]
        assert "no packet names" in read_file_metadata(data).warnings[0]

    def test_wrong_digest_is_told(self):
        pieces, md5 = made.extension(self.INNER, md5=b"0" * 32)
        found = read_file_metadata(made.jpeg(self.main(md5), *pieces))
        assert "MD5" in found.warnings[0]

    def test_too_short_a_piece(self):
        short = made.segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0abc")
        found = read_file_metadata(made.jpeg(made.app1(PACKET), short))
        assert "too short" in found.warnings[0]
        assert len(found.evidence) == 1


@pytest.mark.parametrize("head", [b"", b"\0\0", b"\0", b"\0\0\0", b"\2\0\0\0"])
def test_itxt_without_its_bytes_of_compression(head):
    found = read_file_metadata(made.png(made.itxt(PACKET, head=head)))
    assert "not valid iTXt" in found.warnings[0]
    assert found.evidence[0].text == TEXT


def test_wrong_checksum_is_told_and_read():
    data = made.png(made.itxt(PACKET)).replace(b"PROHIBITED", b"PROHIBITEE")
    found = read_file_metadata(data)
    assert "checksum" in found.warnings[0]
    assert len(found.evidence) == 1


def test_gif_packets_in_sub_blocks():
    blocks = [PACKET[at : at + 255] for at in range(0, len(PACKET), 255)]
    cut = b"".join(bytes([len(block)]) + block for block in blocks)
    found = read_file_metadata(made.gif(cut, b"\0"))
    assert "sub-blocks" in found.warnings[0]
    assert found.evidence[0].text == TEXT


def test_webp_with_a_wrong_name():
    assert texts(made.webp(PACKET, b"XMP\0")) == [TEXT]


def test_camera_files_have_their_directories_one_after_the_other():
    first = made.tiff(b"x" * 10, following=36)
    second = struct.pack("<HHHIII", 1, 700, 1, len(PACKET), 54, 0)
    assert texts(first + second + PACKET)[1] == TEXT


class TestExcerpt:
    HISTORY = "<x:History xmlns:x='urn:x'>" + "<x:step>saved</x:step>" * 10_000 + "</x:History>"

    def kept(self, attributes="", inner=""):
        found = read_file_metadata(made.tiff(made.packet(attributes, inner)))
        assert len(found.evidence) == 1
        return found.evidence[0], found.warnings

    def test_of_a_long_packet_rights_are_kept(self):
        evidence, warnings = self.kept(
            f'plus:DataMining="{made.VOCABULARY}DMI-PROHIBITED-SEECONSTRAINT" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/tiff"',
            self.HISTORY
            + "<dc:rights><rdf:Alt><rdf:li xml:lang='de'>&lt;Ich &amp; du&gt;</rdf:li></rdf:Alt>"
            "</dc:rights><plus:OtherConstraints>ask</plus:OtherConstraints>",
        )
        assert warnings == ()
        assert len(evidence.text) < 1500
        assert "image/tiff" not in evidence.text
        assert "&lt;Ich &amp; du&gt;" in evidence.text
        assert 'xml:lang="de"' in evidence.text
        assert [s.meaning("train") for s in read(evidence).signals] == ["conditional", None]

    def test_all_vocabularies_of_other_readers_are_kept(self):
        evidence, _ = self.kept(
            "",
            self.HISTORY + '<t:reservation xmlns:t="http://www.w3.org/ns/tdmrep/">1</t:reservation>'
            '<r:rsl xmlns:r="https://rslstandard.org/rsl"><r:content url="/"/></r:rsl>'
            '<q:DataMining xmlns:q="urn:q" q:a="1" xmlns:z="urn:z" z:b="2">DMI</q:DataMining>',
        )
        for piece in ("tdm:reservation", "rsl:content", ":DataMining", 'xmlns:n0="urn:q"'):
            assert piece in evidence.text

    def test_too_long_a_property_is_left_out_and_told(self):
        evidence, warnings = self.kept(
            f'plus:DataMining="{made.VOCABULARY}DMI-PROHIBITED"',
            f"<plus:OtherConstraints>{'x' * (MAX_KEPT + 1)}</plus:OtherConstraints>",
        )
        assert "too long" in warnings[0]
        assert [s.name for s in read(evidence).signals] == ["plus:DMI-PROHIBITED"]

    def test_long_texts_do_not_displace_a_mark(self):
        text = f"<plus:OtherConstraints>{'x' * (MAX_KEPT * 2 // 5)}</plus:OtherConstraints>"
        mark = f"<plus:DataMining>{made.VOCABULARY}DMI-PROHIBITED</plus:DataMining>"
        evidence, warnings = self.kept("", text * 3 + mark)
        assert "too long" in warnings[0]
        assert read(evidence).signals[0].name == "plus:DMI-PROHIBITED"
        assert len(evidence.text) < MAX_KEPT + 200

    def test_long_and_broken_is_kept_around_its_marks(self):
        text = b"<x>" + b"<y>" * 100_000 + PACKET + b"<z>" * 100_000
        found = read_file_metadata(made.jxl(made.box(b"xml ", text)))
        (evidence,) = found.evidence
        assert "not well-formed" in found.warnings[0]
        assert len(evidence.text) <= MAX_KEPT
        (signal,) = read(evidence).signals
        assert (signal.name, signal.conformance) == ("plus:DMI-PROHIBITED", "malformed")

    def test_entities_are_not_expanded(self):
        text = b'<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;' + b" x" * 40_000 + b"</a>"
        found = read_file_metadata(made.jxl(made.box(b"xml ", text)))
        assert "not well-formed" in found.warnings[0]
        assert "&b;" in found.evidence[0].text

    def test_prefixes_declared_at_the_root_of_a_drawing(self):
        data = (
            b'<svg xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
            b' xmlns:p="http://ns.useplus.org/ldf/xmp/1.0/"><metadata><r:RDF><r:Description'
            b' p:DataMining="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"/></r:RDF>'
            b"</metadata></svg>"
        )
        assert names(data) == ["plus:DMI-PROHIBITED"]
        assert names(data[:-10]) == ["plus:DMI-PROHIBITED"]
        assert names(data.replace(b"p:DataMining", b"p:Other")) == []


def test_zlib_stream_without_end():
    stream = made.png(
        made.chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(PACKET)[:-9])
    )
    found = read_file_metadata(stream)
    assert "truncated" in found.warnings[0]
    assert found.evidence[0].text.startswith("<?xpacket")
