"""Content Credentials of pictures signed here: read, verified, broken, and never fetched."""

import io
import json
import socket
import subprocess
import sys
import threading
import time
import zlib
from contextlib import contextmanager

import pytest
from PIL import Image

from registry.evidence.content_credentials import MAX_STEPS, MAX_TEXT, read
from registry.signals import read as read_signals
from registry.verdict import decide

c2pa = pytest.importorskip("c2pa", reason="needs the extra c2pa")

from signing import FORMATS, GENAI, REFUSED, assertion, flipped, new_signer, picture, signed  # noqa: E402

URL = "https://a.example/i.jpg"
BOTH_ALLOWED = {GENAI: {"use": "allowed"}, "cawg.ai_training": {"use": "allowed"}}
SIGNATURE_BOX = b"c2cs\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71\x03c2pa.signature\x00"


def judged(data):
    """Return names and grades of the marks, both verdicts, and all warnings."""
    evidence, warnings = read(data, URL)
    readings = [read_signals(piece) for piece in evidence]
    signals = [signal for reading in readings for signal in reading.signals]
    said = [*warnings, *(text for reading in readings for text in reading.warnings)]
    verdicts = tuple(decide(signals, policy).decision for policy in ("letter", "cautious"))
    return {s.name: s.conformance for s in signals}, verdicts, " | ".join(said)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_refusal_is_read_from_every_format(kind):
    marks, verdicts, said = judged(signed(kind, assertion(REFUSED)))
    assert marks == {"cawg:ai_generative_training=notAllowed": "ok"}
    assert verdicts == ("reserved", "reserved")
    assert "on no trust list known here: 'Test Studio'" in said


@pytest.mark.parametrize("kind", FORMATS)
def test_silence_costs_no_words(kind):
    assert read(picture(kind)) == ((), ())


@pytest.mark.parametrize(
    ("made", "names", "verdicts"),
    [
        (
            [assertion({"c2pa.ai_training": {"use": "notAllowed"}}, "c2pa.training-mining")],
            ["c2pa:ai_training=notAllowed"],
            ("reserved", "reserved"),
        ),
        (
            [assertion({"c2pa.data_mining": {"use": "notAllowed"}})],
            ["c2pa:data_mining=notAllowed"],
            ("unspecified", "reserved"),
        ),
        (
            [{"label": "cawg.training-mining", "data": REFUSED}],
            ["cawg:ai_generative_training=notAllowed"],
            ("reserved", "reserved"),
        ),
        (
            [assertion({GENAI: {"use": "constrained", "constraint_info": "https://a.example/"}})],
            ["cawg:ai_generative_training=constrained"],
            ("conditional", "conditional"),
        ),
        (
            [assertion({GENAI: {"use": "constrained"}})],
            ["cawg:ai_generative_training=constrained"],
            ("reserved", "reserved"),
        ),
        (
            [assertion({"cawg.ai_inference": {"use": "notAllowed"}}), assertion(REFUSED)],
            ["cawg:ai_generative_training=notAllowed", "cawg:ai_inference=notAllowed"],
            ("reserved", "reserved"),
        ),
        (
            [assertion({GENAI: {"use": "NotAllowed"}})],
            ["cawg:ai_generative_training=notAllowed"],
            ("unspecified", "reserved"),
        ),
        ([assertion({"com.example.x": {"use": "notAllowed"}})], [], ("unspecified",) * 2),
        ([], [], ("unspecified", "unspecified")),
    ],
)
def test_forms_of_the_assertion(made, names, verdicts):
    marks, decided, _ = judged(signed("JPEG", *made))
    assert sorted(marks) == names
    assert decided == verdicts


def test_a_signer_nobody_knows_permits_nothing():
    marks, verdicts, _ = judged(signed("PNG", assertion(BOTH_ALLOWED)))
    assert set(marks.values()) == {"unverified"}
    assert verdicts == ("unspecified", "unspecified")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_changed_picture_is_told(kind):
    data = signed(kind, assertion(REFUSED))
    # These two keep their manifest behind the pixels, the others before them.
    place = 300 if kind in {"TIFF", "WEBP"} else len(data) - 30
    marks, verdicts, said = judged(flipped(data, place))
    assert set(marks.values()) == {"unverified"}
    assert verdicts == ("unspecified", "reserved")
    binding = "bmffHash" if kind == "AVIF" else "dataHash"
    assert f"the picture was changed after signing (assertion.{binding}.mismatch)" in said


def test_a_changed_assertion_is_told():
    data = signed("PNG", assertion({GENAI: {"use": "notAllowed"}}))
    marks, verdicts, said = judged(data.replace(b"notAllowed", b"NotAllowed"))
    assert set(marks.values()) == {"malformed"}
    assert verdicts == ("unspecified", "reserved")
    assert "an assertion was changed after signing" in said


def test_a_broken_signature_is_told():
    data = signed("JPEG", assertion(REFUSED))
    marks, verdicts, said = judged(flipped(data, data.index(SIGNATURE_BOX) + 700))
    assert set(marks.values()) == {"unverified"}
    assert verdicts == ("unspecified", "reserved")
    assert "the signature is broken (claimSignature.mismatch)" in said


def test_marks_under_an_unreadable_signature_are_kept():
    data = signed("JPEG", assertion(REFUSED))
    # The first byte of the signature itself: it is no COSE structure any more.
    place = data.index(SIGNATURE_BOX) + len(SIGNATURE_BOX) + 8
    marks, verdicts, said = judged(flipped(data, place))
    assert set(marks.values()) == {"unverified"}
    assert verdicts == ("unspecified", "reserved")
    assert "it cannot be verified (general.error)" in said


def test_a_missing_signature_is_told():
    data = signed("JPEG", assertion(REFUSED))
    marks, _, said = judged(data.replace(b"c2cs\x00\x11", b"c2cx\x00\x11"))
    assert marks == {"cawg:ai_generative_training=notAllowed": "unverified"}
    assert "their signature is missing" in said


def test_an_expired_certificate_is_told():
    data = signed("JPEG", assertion(REFUSED), signer=new_signer(seconds=2))
    deadline = time.monotonic() + 20
    while "expired" not in judged(data)[2] and time.monotonic() < deadline:
        time.sleep(0.3)
    marks, verdicts, said = judged(data)
    assert set(marks.values()) == {"unverified"}
    assert verdicts == ("unspecified", "reserved")
    assert "certificate has expired (signingCredential.expired)" in said


def test_an_ingredient_speaks_for_itself():
    parent = signed("JPEG", assertion(REFUSED))
    marks, verdicts, _ = judged(signed("PNG", parent=parent))
    assert marks == {"cawg:ai_generative_training=notAllowed(ingredient)": "legacy"}
    assert verdicts == ("unspecified", "reserved")
    text = json.loads(read(signed("PNG", parent=parent))[0][0].text)
    (ingredient,) = text["manifests"][text["active_manifest"]]["ingredients"]
    assert ingredient["relationship"] == "parentOf"
    assert ingredient["active_manifest"] in text["manifests"]


def test_a_stripped_manifest_is_silence():
    out = io.BytesIO()
    Image.open(io.BytesIO(signed("JPEG", assertion(REFUSED)))).save(out, "JPEG")
    assert read(out.getvalue()) == ((), ())


def test_evidence_is_small_and_stable():
    data = signed("JPEG", assertion(REFUSED))
    ((piece,), ()) = read(data, URL)
    assert (piece.carrier, piece.about, piece.url) == ("c2pa-json", "image", URL)
    assert read(data, URL)[0] == (piece,)
    store = json.loads(piece.text)
    assert piece.text == json.dumps(store, sort_keys=True, separators=(",", ":"))
    manifest = store["manifests"][store["active_manifest"]]
    assert [item["label"] for item in manifest["assertions"]] == ["cawg.training-mining"]
    assert manifest["signature_info"]["issuer"] == "Test Studio"
    assert manifest["claim_generator"] == "test 1"


def test_too_much_is_left_out_from_the_end():
    long = assertion({GENAI: {"use": "constrained", "constraint_info": "x" * MAX_TEXT}})
    evidence, (said,) = read(signed("JPEG", long))
    assert evidence == ()
    assert f"more than {MAX_TEXT} bytes" in said
    ((piece,), ()) = read(signed("PNG", assertion(REFUSED), parent=signed("JPEG", long)))
    assert len(json.loads(piece.text)["manifests"]) == 1


def test_without_the_extra_only_signed_pictures_are_warned_about(monkeypatch):
    data = signed("JPEG", assertion(REFUSED))
    monkeypatch.setitem(sys.modules, "c2pa", None)
    assert read(picture("JPEG")) == ((), ())
    evidence, (said,) = read(data)
    assert evidence == ()
    assert "pip install 'optout-registry[c2pa]'" in said


def python(script, data):
    """Run a script that reads data, in a process of its own."""
    command = [sys.executable, "-c", script]
    return subprocess.run(command, input=data, capture_output=True, check=False)


def test_the_library_is_loaded_for_signed_pictures_alone():
    script = (
        "import sys; from registry.evidence.content_credentials import read;"
        "print(read(sys.stdin.buffer.read())[1], 'c2pa' in sys.modules)"
    )
    for data, loaded in ((picture("PNG"), "False"), (signed("PNG"), "True")):
        run = python(script, data)
        assert run.stdout.decode().split() == ["()", loaded], run.stderr


@contextmanager
def listener():
    """Yield an address on loopback, and the list of those who connected to it."""
    callers = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept():
            while True:
                try:
                    connection, caller = server.accept()
                except OSError:
                    return
                callers.append(caller)
                connection.close()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/m.c2pa?a=1&b=2", callers
        # Wakes the thread, which closing alone does not.
        server.shutdown(socket.SHUT_RDWR)


def by_default(kind, data, **verify):
    """Read as the library does when it may use the network."""
    with c2pa.Settings.from_dict({"verify": verify}) as settings, c2pa.Context(settings) as context:
        try:
            with c2pa.Reader(FORMATS[kind], io.BytesIO(data), context=context) as reader:
                return reader.json()
        except c2pa.C2paError as error:
            return str(error)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_manifest_elsewhere_is_named_and_not_fetched(kind):
    with listener() as (place, callers):
        data = signed(kind, assertion(REFUSED), link=place)
        evidence, said = read(data)
        assert (evidence, callers) == ((), [])
        assert said == (f"Content Credentials are not fetched from {place!r}",)
        by_default(kind, data)
        assert callers, "the link leads to the listener: the library would have followed it"


def test_a_manifest_elsewhere_is_not_fetched_by_the_library_either():
    with listener() as (place, callers):
        data = signed("JPEG", assertion(REFUSED), link=place)
        # A comment that looks like a store makes the library be asked.
        comment = b"jumdc2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71"
        data = data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + data[2:]
        assert read(data) == ((), (f"Content Credentials are not fetched from {place!r}",))
        assert callers == []


def test_revocation_is_not_asked_for():
    with listener() as (place, callers):
        data = signed("JPEG", assertion(REFUSED), signer=new_signer(ocsp=place))
        assert judged(data)[1] == ("reserved", "reserved")
        assert callers == []
        by_default("JPEG", data, ocsp_fetch=True)
        assert callers, "the certificate names the listener"


@pytest.mark.parametrize("kind", FORMATS)
def test_cut_files_are_warned_about(kind):
    data = signed(kind, assertion(REFUSED))
    start = data.index(b"jumdc2pa")
    for length in (start + 40, start + 300, start + 1500):
        evidence, said = read(data[:length])
        assert len(said) == 1 + len(evidence)
        assert evidence == () or length > start + 40


def test_files_in_too_many_pieces_are_given_up():
    data = signed("PNG", assertion(REFUSED))
    empty = b"\x00\x00\x00\x00tEXt" + zlib.crc32(b"tEXt").to_bytes(4, "big")
    pieces = data[:-12] + empty * MAX_STEPS + data[-12:]
    evidence, (said, _) = read(pieces)
    assert "general.error" in evidence[0].text
    assert "cannot be verified" in said


def test_other_kinds_of_files_are_not_opened():
    store = b"jumdc2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71"
    for start in (b"%PDF-1.7", b"PK\x03\x04", b"\x00\x00\x00\x18ftypisom", b""):
        evidence, (said,) = read(start + store)
        assert evidence == ()
        assert "unsupported file format" in said


DAMAGE = """
import random, sys
from registry.evidence.content_credentials import read
from registry.signals import read as read_signals
data = sys.stdin.buffer.read()
start = data.index(b"jumdc2pa") - 8
fills = [b"\\0\\0\\0\\0", b"\\xff\\xff\\xff\\xff", b"\\x7f\\xff\\xff\\xff", b"\\x9b" + b"\\xff" * 8]
for seed in range(400):
    chance = random.Random(seed)
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 5])):
        place = chance.randrange(start, min(len(changed), start + 3200))
        if chance.random() < 0.5:
            changed[place] = chance.randrange(256)
        elif chance.random() < 0.5:
            fill = chance.choice(fills)
            changed[place : place + len(fill)] = fill
        else:
            del changed[place : place + chance.randrange(1, 200)]
    evidence, warnings = read(bytes(changed))
    for piece in evidence:
        read_signals(piece)
print("all read")
"""


@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_files_end_in_warnings(kind):
    """In a process of its own: the library is native code, and what it may do is to abort."""
    data = signed(kind, assertion(REFUSED))
    run = python(DAMAGE, data)
    assert (run.returncode, run.stdout.split()) == (0, [b"all", b"read"]), run.stderr[-2000:]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_cut_file_still_refuses(kind):
    """A library that reads whole files alone would lose what stands in the part that is there."""
    refused = signed(kind, assertion(REFUSED))
    marks, verdicts, said = judged(refused[: refused.index(SIGNATURE_BOX)])
    assert marks == {"cawg:ai_generative_training=notAllowed": "unverified"}
    assert verdicts == ("unspecified", "reserved")
    assert "only refusals were searched" in said
    allowed = signed(kind, assertion(BOTH_ALLOWED))
    assert judged(allowed[: allowed.index(SIGNATURE_BOX)])[:2] == ({}, ("unspecified",) * 2)
