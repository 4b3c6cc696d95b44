"""ExifTool writes, we read: marks in files that another program made.

The ExifTool that `.ci/run` installs is preferred, then the one in PATH, if it knows the values
of PLUS DataMining (12.57 does not).
"""

import functools
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import image_files as made
import pytest
from PIL import Image, PngImagePlugin

from registry.evidence.embedded_marks import read_embedded
from registry.evidence.xmp import read_file_metadata
from registry.signals import read
from registry.verdict import decide

VENDORED = Path(sys.prefix, "exiftool/node_modules/exiftool-vendored.pl/bin/exiftool")
# The words by which ExifTool takes the values, what we call them and what they decide.
VALUES = {
    "Unspecified - no prohibition defined": ("DMI-UNSPECIFIED", "unspecified"),
    "Allowed": ("DMI-ALLOWED", "allowed"),
    "Prohibited for AI/ML training": ("DMI-PROHIBITED-AIMLTRAINING", "reserved"),
    "Prohibited for Generative AI/ML training": ("DMI-PROHIBITED-GENAIMLTRAINING", "reserved"),
    "Prohibited except for search engine indexing": (
        "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING",
        "reserved",
    ),
    "Prohibited": ("DMI-PROHIBITED", "reserved"),
    "Prohibited, see plus:OtherConstraints": ("DMI-PROHIBITED-SEECONSTRAINT", "conditional"),
    "Prohibited, see iptcExt:EmbdEncRightsExpr": (
        "DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR",
        "conditional",
    ),
    "Prohibited, see iptcExt:LinkedEncRightsExpr": (
        "DMI-PROHIBITED-SEELINKEDRIGHTSEXPR",
        "conditional",
    ),
}
LICENCE = "https://a.example/licence.xml"
BESIDE = (
    "-XMP-plus:OtherConstraints=Ask the photographer",
    "-XMP-plus:OtherConstraints-de=Nur auf Anfrage",
    "-XMP-iptcExt:EmbdEncRightsExpr={EncRightsExpr=<o:Policy/>,RightsExprEncType=application/xml}",
    f"-XMP-iptcExt:LinkedEncRightsExpr={{LinkedRightsExpr={LICENCE}}}",
)
PILLOW = {
    "jpg": "JPEG",
    "png": "PNG",
    "webp": "WEBP",
    "gif": "GIF",
    "tif": "TIFF",
    "avif": "AVIF",
    "jp2": "JPEG2000",
}
FORMATS = (*PILLOW, "heic", "jxl")


def candidates():
    """Yield the words that start each ExifTool found, the one installed for the tests first."""
    if VENDORED.is_file() and shutil.which("perl"):
        yield ("perl", str(VENDORED))
    if found := shutil.which("exiftool"):
        yield (found,)


def knows_values(words):
    """Return whether an ExifTool lists every value of PLUS DataMining that is written here."""
    asked = [*words, "-config", "", "-listx", "-XMP-plus:DataMining"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=60)
    return all(f">{label}</val>" in done.stdout for label in VALUES)


@functools.cache
def fit_command(found):
    """Return the first of the ExifTools that knows the values, or None."""
    return next((words for words in found if knows_values(words)), None)


def command():
    """Return the words that start ExifTool; skip, with the reason, where none is fit."""
    found = tuple(candidates())
    if not found:
        pytest.skip("needs ExifTool: as .ci/run installs it by npm, with perl, or in PATH")
    words = fit_command(found)
    if words is None:
        named = ", ".join(words[-1] for words in found)
        pytest.skip(f"{named} does not know the values of PLUS DataMining; .ci/run installs one")
    return words


def exiftool(*runs):
    """Run ExifTool once for several lists of arguments; return what it prints."""
    words = ["-config", ""]
    for run in runs:
        words += [*map(str, run), "-execute"]
    words = [*words[:-1], "-common_args", "-overwrite_original", "-q"]
    done = subprocess.run(
        [*command(), *words], capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stderr, done.stderr
    return done.stdout.strip()


def bare(kind):
    """Return an image file without metadata."""
    if kind == "heic":
        return made.heif(b" ")
    if kind == "jxl":
        return made.jxl()
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (10, 200, 30)).save(file, PILLOW[kind])
    return file.getvalue()


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """Return the folder of files, one for every value in every format: VALUE/a.FORMAT."""
    folder = tmp_path_factory.mktemp("marked")
    runs = []
    for label, (token, _) in VALUES.items():
        (folder / token).mkdir()
        files = [folder / token / f"a.{kind}" for kind in FORMATS]
        for path in files:
            path.write_bytes(bare(path.suffix[1:]))
        beside = BESIDE if "see" in label.split() else ()
        runs.append([f"-XMP-plus:DataMining={label}", *beside, *files])
    exiftool(*runs)
    return folder


def signals(data):
    found = read_file_metadata(data, "https://a.example/a")
    assert found.warnings == ()
    (evidence,) = found.evidence
    reading = read(evidence)
    assert reading.warnings == ()
    return reading.signals


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(("token", "decision"), VALUES.values(), ids=lambda value: value)
def test_every_value_in_every_format(marked, kind, token, decision):
    data = (marked / token / f"a.{kind}").read_bytes()
    found = signals(data)
    assert (found[0].name, found[0].conformance) == (f"plus:{token}", "ok")
    verdict = decide(found, "letter")
    assert (verdict.decision, decide(found).decision) == (decision, decision)
    if decision == "conditional":
        assert [s.raw for s in found if s.name == "plus:OtherConstraints"] == [
            "Ask the photographer"
        ]
    if token.endswith("SEELINKEDRIGHTSEXPR"):
        assert verdict.licence_url == LICENCE
    assert read_embedded(data, "https://a.example/a").evidence[0].text


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif", "avif"])
def test_pillow_finds_the_same_packet(marked, kind):
    path = marked / "DMI-PROHIBITED" / f"a.{kind}"
    with Image.open(path) as image:
        theirs = image.info["xmp"]
        properties = image.getxmp()["xmpmeta"]["RDF"]["Description"]
    (ours,) = read_file_metadata(path.read_bytes()).evidence
    assert ours.text.split() == theirs.decode().lstrip("\ufeff").split()
    assert "DMI-PROHIBITED" in str(properties)


def test_extended_xmp(tmp_path):
    long, path = tmp_path / "long.txt", tmp_path / "a.jpg"
    long.write_text("word " * 30_000)
    path.write_bytes(bare("jpg"))
    label = "Prohibited, see plus:OtherConstraints"
    exiftool(
        [f"-XMP-plus:DataMining={label}", *BESIDE, f"-XMP-dc:Description<={long}", path],
    )
    data = path.read_bytes()
    assert data.count(b"http://ns.adobe.com/xmp/extension/\0") == 3
    mark, constraint = signals(data)
    assert mark.meaning("train") == "conditional"
    assert constraint.raw == "Ask the photographer"


def test_statement_that_stands_in_the_extension(tmp_path):
    """The mark is in the packet, the text it points to did not fit in there."""
    long, path = tmp_path / "long.txt", tmp_path / "a.jpg"
    long.write_text("word " * 10_000)
    path.write_bytes(bare("jpg"))
    exiftool(
        [
            "-XMP-plus:DataMining=Prohibited, see plus:OtherConstraints",
            f"-XMP-plus:OtherConstraints<={long}",
            "-XMP-dc:Description=" + "mine " * 4000,
            path,
        ]
    )
    main, _, extension = path.read_bytes().partition(b"http://ns.adobe.com/xmp/extension/\0")
    assert b"OtherConstraints" in extension
    assert b"OtherConstraints>" not in main
    mark, constraint = signals(path.read_bytes())
    assert mark.meaning("train") == "conditional"
    assert constraint.raw.startswith("word word")


def test_compressed_png(marked, tmp_path):
    """ExifTool writes XMP uncompressed always; Pillow compresses its packet."""
    path = tmp_path / "a.png"
    with Image.open(marked / "DMI-PROHIBITED" / "a.png") as image:
        chunks = PngImagePlugin.PngInfo()
        chunks.add_itxt("XML:com.adobe.xmp", image.info["xmp"].decode(), zip=True)
        image.save(path, pnginfo=chunks)
    assert b"useplus" not in path.read_bytes()
    assert signals(path.read_bytes())[0].name == "plus:DMI-PROHIBITED"
    assert exiftool(["-s3", "-XMP-plus:DataMining", path]) == "Prohibited"


def test_malformed_mark_stays_so_when_edited(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(made.jpeg(made.app1(made.packet('plus:DataMining="DMI-PROHIBITED"'))))
    exiftool(["-XMP-dc:Rights=mine", path])
    (evidence,) = read_file_metadata(path.read_bytes()).evidence
    (signal,) = read(evidence).signals
    assert signal.conformance == "malformed"


@pytest.fixture
def old_tool(tmp_path, monkeypatch):
    """Put an ExifTool first in PATH that does not know PLUS DataMining, as Debian's 12.57."""
    tool = tmp_path / "exiftool"
    tool.write_text("#!/bin/sh\necho Warning: not a valid value >&2\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return tool


def test_tool_that_does_not_know_the_values_is_skipped(old_tool, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "VENDORED", old_tool.parent / "none")
    with pytest.raises(pytest.skip.Exception, match=f"{old_tool} does not know"):
        command()


def test_tool_installed_for_the_tests_is_preferred(old_tool, tmp_path, monkeypatch):
    if not shutil.which("perl"):
        pytest.skip("needs perl")
    ours = tmp_path / "ours"
    lines = "".join(f"<val>{label}</val>\n" for label in VALUES)
    ours.write_text(f"print <<'END';\n{lines}END\n")
    monkeypatch.setattr(sys.modules[__name__], "VENDORED", ours)
    assert command() == ("perl", str(ours))
