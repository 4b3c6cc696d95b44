"""Text made to hurt, through every reader of every carrier; and the fuzz targets, briefly.

How long each takes on 5 MB of it is measured by `bench.hostile`: see docs/benchmarks.md.
"""

import json
import random
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import image_files
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invariants import MAX_WARNINGS, held_reading, hold_verdicts, hold_warnings

from bench.hostile_texts import (
    PIECES,
    agents_by_rules,
    blowup,
    cases,
    counted,
    evidence,
    external,
    laughs,
    nested,
    pairs,
)
from registry.evidence.embedded_marks import read_embedded
from registry.model import Evidence
from registry.signals import header_fields, read, readers

ROOT = Path(__file__).parents[2]
SIZE = 40_000
PAIRS = pairs()
JSON = [
    ("tdmrep", "tdmrep-json"),
    ("training_mining", "c2pa-json"),
    ("spawning_api", "spawning-api"),
]
RSL = "<rsl xmlns='https://rslstandard.org/rsl'>"


@pytest.mark.parametrize(("name", "carrier"), PAIRS)
def test_every_text(name, carrier):
    for case, piece in cases(name, carrier, SIZE):
        try:
            held_reading(name, piece)
        except Exception as error:  # noqa: BLE001 (it is told with the name of its text)
            pytest.fail(f"{case}: {error!r}"[:2000])


@pytest.mark.parametrize(("name", "carrier"), PAIRS)
def test_verdicts_on_every_text(name, carrier):
    for _, piece in cases(name, carrier, 2_000):
        hold_verdicts(read(piece).signals, "GPTBot")


@given(pair=st.sampled_from(PAIRS), pieces=st.lists(st.sampled_from(PIECES), max_size=60))
@settings(max_examples=500)
def test_any_mixture(pair, pieces):
    name, carrier = pair
    hold_verdicts(held_reading(name, evidence(name, carrier, "".join(pieces))).signals)


@given(pair=st.sampled_from(PAIRS), text=st.text(max_size=400), url=st.text(max_size=30))
@settings(max_examples=500)
def test_any_text_at_any_address(pair, text, url):
    name, carrier = pair
    hold_verdicts(held_reading(name, evidence(name, carrier, text, url)).signals)


def warnings_of(name, carrier, text):
    return held_reading(name, evidence(name, carrier, text)).warnings


def said_of(carrier, text):
    """Return what all readers of a carrier warn of; of a packet that none can read one says it."""
    return read(Evidence(carrier, "image", "https://a.example/x.jpg", text=text)).warnings


@pytest.mark.parametrize("carrier", ["xmp", "rsl-xml"])
@pytest.mark.parametrize("bomb", [laughs, blowup, external])
def test_entity_bombs_are_refused_with_a_warning(carrier, bomb):
    assert said_of(carrier, bomb(SIZE))


@pytest.mark.parametrize("carrier", ["xmp", "rsl-xml"])
def test_deep_xml_is_refused_with_a_warning(carrier):
    assert said_of(carrier, nested("<a>", "</a>")(SIZE))


@pytest.mark.parametrize("carrier", ["xmp", "rsl-xml"])
def test_a_gigantic_packet_is_refused_with_a_warning(carrier):
    assert said_of(carrier, f"<a>{' ' * 5_000_000}</a>")


@pytest.mark.parametrize("bomb", [laughs, blowup, external])
@pytest.mark.parametrize(("carrier", "mark"), [("xmp", "plus:DataMining='DMI-PROHIBITED'")])
def test_a_refusal_beside_an_entity_bomb_still_counts(carrier, mark, bomb):
    text = bomb(SIZE).replace("<r>", f"<r {mark}>")
    signals = read(Evidence(carrier, "image", "https://a.example/x.jpg", text=text)).signals
    assert [signal.conformance for signal in signals] == ["malformed"]


@pytest.mark.parametrize(("name", "carrier"), JSON)
@pytest.mark.parametrize("shape", [nested("[", "]"), nested('{"a":', "}", "1")])
def test_deep_json_is_refused_with_a_warning(name, carrier, shape):
    assert warnings_of(name, carrier, shape(1_000_000))


def test_deep_json_in_a_page_is_refused_with_a_warning():
    deep = nested("[", "]")(1_000_000)
    page = f"<script type='application/ld+json'>{{\"license\":{deep}}}</script>"
    assert warnings_of("schema_org", "html", page)


def marks_of_vectors():
    """Return a value of each header field, of which its reader reads a signal."""
    found = {}
    for name, reader in readers().items():
        path = ROOT / f"tests/vectors/{name}.jsonl"
        for vector in map(json.loads, path.read_text("utf-8").splitlines()):
            given = vector["input"]
            lines = given.get("headers", ()) if isinstance(given, dict) else given
            lines = lines if isinstance(lines, list) else ()
            for field, value in ((field.lower(), value) for field, value in lines):
                known = field in getattr(reader, "HEADERS", ()) and field not in found
                if (
                    known
                    and reader.read(Evidence("headers", "image", "", ((field, value),))).signals
                ):
                    found[field] = value
    return found


VALUES = {
    **marks_of_vectors(),
    "tdm-policy": "https://a.example/p",
    "link": '<https://a.example/>; rel="license tdm-reservation"; type="application/rsl+xml"',
}


@pytest.mark.parametrize("field", VALUES)
def test_a_hundred_thousand_header_lines_are_cut_with_a_warning(field):
    lines = tuple((field, f"{VALUES[field]}{' ' * (n % 7)}") for n in range(100_000))
    reading = read(Evidence("headers", "image", "", lines))
    assert reading.warnings
    hold_warnings(reading.warnings)


def test_the_vectors_have_a_mark_of_every_header_field():
    assert set(VALUES) == set(header_fields())


def test_a_proper_reservation_after_very_many_others_is_read():
    lines = (*(("tdm-reservation", "0"),) * 100_000, ("tdm-reservation", "1"))
    (signal,) = read(Evidence("headers", "image", "", lines)).signals
    assert signal.meaning("train") == "reserved"


@pytest.mark.parametrize("bad", ["\udcff", "\x00"])
@pytest.mark.parametrize(
    ("name", "carrier", "text"),
    [
        ("x_robots_tag", "headers", "no#ai noai"),
        ("robots_txt", "robots-txt", "User-agent: GPT#Bot\nDisallow: /"),
        ("content_usage", "headers", "train-ai=n#"),
        ("tdmrep", "tdmrep-json", '[{"location":"/","tdm-reservation":1}#]'),
        ("training_mining", "c2pa-json", '{"manifests":#}'),
        ("spawning_api", "spawning-api", '{"urls":#}'),
        ("rsl", "rsl-xml", f"{RSL}<content url='/'><a #b></content></rsl>"),
        ("plus", "xmp", "<a plus:DataMining='DMI-PROHIBITED' #b>"),
        ("trust_txt", "trust-txt", "datatrainingallowed=no#"),
        ("ai_txt", "ai-txt", "User-Agent: a#b\nDisallow: /"),
    ],
)
def test_bytes_that_are_no_text_within_a_mark_are_told(name, carrier, text, bad):
    reading = held_reading(name, evidence(name, carrier, text.replace("#", bad)))
    # Decoding UTF-16 leaves NULs, which go out of the files of sites: then nothing is amiss.
    whole = bad == "\x00" and carrier in {"robots-txt", "ai-txt", "trust-txt"}
    assert reading.signals if whole else reading.warnings


def test_agents_times_rules_are_cut_with_a_warning():
    text = counted("User-agent: a#\n", 600_000) + counted("Disallow: /#\n", 400_000)
    assert len(held_reading("robots_txt", evidence("robots_txt", "robots-txt", text)).warnings) >= 1


def test_agents_times_rules_of_a_small_file_are_whole():
    text = agents_by_rules(1_000)
    assert not held_reading("robots_txt", evidence("robots_txt", "robots-txt", text)).warnings


@pytest.mark.parametrize(
    ("name", "carrier", "piece", "start"),
    [
        ("x_robots_tag", "headers", "b#:a,noai,", ""),
        ("robots_meta", "html", "<meta name=robots content='b#:noai'>", "<head>"),
        ("robots_txt", "robots-txt", "User agent: a#\nDisallow /\n", ""),
        ("tdmrep", "tdmrep-json", '{"location":"/#","tdm-reservation":#},', "["),
    ],
)
def test_of_many_faults_the_first_are_told(name, carrier, piece, start):
    warnings = warnings_of(name, carrier, start + counted(piece, SIZE))
    assert 1 <= len(warnings) <= MAX_WARNINGS


@pytest.mark.parametrize("kind", image_files.files(b""))
def test_files_cut_and_changed(kind):
    """The whole way from bytes to a verdict; each container has tests of its own."""
    data = image_files.files(image_files.marked())[kind]
    chance = random.Random(11)
    for _ in range(150):
        changed = bytearray(data[: chance.randrange(len(data) + 1)])
        for _ in range(chance.randrange(4)):
            if changed:
                changed[chance.randrange(len(changed))] = chance.randrange(256)
        found = read_embedded(bytes(changed))
        hold_warnings(found.warnings)
        hold_verdicts([signal for piece in found.evidence for signal in read(piece).signals])


# The library is native: a fault in it would end the process.
CUT = """
import sys
sys.path.insert(0, sys.argv[1])
from signing import REFUSED, assertion, signed
from registry.evidence.content_credentials import STORE, read
data = signed("JPEG", assertion(REFUSED))
assert read(data)[0]
start = data.index(STORE) + len(STORE)
end = data.index(b"c2pa.signature") + 200
for place in range(start, end, max(1, (end - start) // 40)):
    for changed in (data[:place], data[:place] + bytes(200) + data[place + 200 :]):
        evidence, warnings = read(changed)
        assert warnings or evidence, place
    assert read(data[:place])[1], place
"""


def test_truncated_content_credentials_give_a_warning():
    pytest.importorskip("c2pa", reason="needs the extra c2pa")
    command = [sys.executable, "-c", CUT, str(ROOT / "tests")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_fuzz_targets_hold(tmp_path):
    if find_spec("atheris") is None:
        pytest.skip("atheris is not installed: pip install '.[fuzz]'")
    target = str(ROOT / "tests/fuzz/fuzz_reader.py")
    done = subprocess.run(
        [sys.executable, target, "all", "--runs", "700"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert set(readers()) <= {line.partition(":")[0] for line in done.stdout.splitlines()}
