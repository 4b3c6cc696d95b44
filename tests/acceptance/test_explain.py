"""`registry explain`, the installed command: evidence in, signals and verdict out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MARK = '<meta name="robots" content="noai, noimageai">'
PAGE = f"<head>{MARK}</head><p>A picture.</p>"
ROBOTS = "User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /art/\nDisallow: /x/\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "page.html").write_text(PAGE)
    (tmp_path / "robots.txt").write_text(ROBOTS)
    (tmp_path / "picture.jpg").write_bytes(b"\xff\xd8\xff\xe0 not really")
    (tmp_path / "silent.html").write_text("<p>NoAI: do not train on my art</p>")
    return tmp_path


def test_page(explain, files):
    done = explain("page.html", "--url", "https://a.example/art/1")
    assert done.stdout.splitlines() == [
        "page.html (html, page https://a.example/art/1)",
        "  html: 76 bytes",
        f"  * noai       reserved: train, train-genai  {MARK}",
        f"  * noimageai  reserved: train, train-genai  {MARK}",
        "verdict: reserved (policy cautious@2) by noai, noimageai",
    ]
    assert (done.returncode, done.stderr) == (0, "")


def test_silence_is_said_with_what_to_add(explain, files):
    done = explain("silent.html")
    assert done.stdout.splitlines() == [
        "silent.html (html)",
        "  html: 35 bytes, no mark",
        "verdict: unspecified (policy cautious@2)",
    ]
    assert "silent.html: no mark about training found (in: html)" in done.stderr
    assert '<meta name="robots" content="noai, noimageai">' in done.stderr
    assert "X-Robots-Tag: noai, noimageai" in done.stderr
    assert '[{"location": "/", "tdm-reservation": 1}]' in done.stderr
    assert done.returncode == 0


def test_robots_file_for_a_url_an_agent_and_a_policy(explain, files):
    def verdict(*options):
        out = explain("robots.txt", *options).stdout
        return out.splitlines()[-1].split()[1]

    url = "https://a.example/art/1.jpg"
    assert verdict("--url", url) == "reserved"
    assert verdict("--url", url, "--policy", "letter") == "unspecified"
    assert verdict("--url", url, "--policy", "letter", "--agent", "ccbot") == "reserved"
    assert verdict("--url", "https://a.example/other.jpg") == "unspecified"
    # Nothing is asked about: the strictest rule speaks.
    assert verdict() == "reserved"
    assert "and 1 rule that does not apply" in explain("robots.txt", "--url", url).stdout


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ai.txt", "User-Agent: *\nDisallow: *.jpg\nAllow: /\n"),
        (
            "tdmrep.json",
            '[{"location": "/a/", "tdm-reservation": 1}, {"location": "/*", "tdm-reservation": 0}]',
        ),
    ],
)
def test_no_permission_hides_a_refusal_where_no_url_is_asked_about(explain, tmp_path, name, text):
    (tmp_path / name).write_text(text)
    done = explain(name)
    assert "verdict: reserved" in done.stdout
    assert "the strictest of all rules decides" in done.stdout
    assert " reserved: " in done.stdout
    assert done.stdout.count(" allowed: ") == 1
    assert "verdict: allowed" in explain(name, "--url", "https://a.example/b/1").stdout


def test_headers_alone_and_with_a_picture(explain, files):
    done = explain("--header", "X-Robots-Tag: noai", "--header", "X-Robots-Tag: bingbot: noindex")
    assert "verdict: reserved" in done.stdout
    assert "for bingbot" in done.stdout
    done = explain("picture.jpg", "--header", "X-Robots-Tag: noimageai")
    assert "picture.jpg (image)" in done.stdout
    assert "xmp: none in the file" in done.stdout
    assert "c2pa-json: none in the file" in done.stdout
    assert "verdict: reserved (policy cautious@2) by noimageai" in done.stdout


def test_picture_with_a_mark_of_its_own(explain, tmp_path):
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" '
        b'plus:DataMining="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"/>'
        b"</rdf:RDF></x:xmpmeta>"
    )
    segment = b"http://ns.adobe.com/xap/1.0/\0" + xmp
    jpeg = (ROOT / "demo/site/www/pictures/moon.jpg").read_bytes()
    length = (len(segment) + 2).to_bytes(2, "big")
    # Known by its content, whatever its name.
    (tmp_path / "moon").write_bytes(jpeg[:2] + b"\xff\xe1" + length + segment + jpeg[2:])
    done = explain("moon", "--all-policies")
    lines = done.stdout.splitlines()
    assert lines[0] == "moon (image)"
    assert lines[1].startswith("  xmp: ")
    assert "DMI-PROHIBITED" in lines[2]
    assert "  c2pa-json: none in the file" in lines
    assert "verdict: letter@2    reserved" in done.stdout


def test_header_block_of_the_last_response(explain, tmp_path):
    block = "HTTP/1.1 301 Moved\nX-Robots-Tag: noai\n\nHTTP/1.1 200 OK\nx-robots-tag: noindex\n"
    (tmp_path / "answer").write_text(block)
    done = explain("answer", "--json")
    assert [signal["name"] for signal in json.loads(done.stdout)["signals"]] == ["noindex"]


def test_all_policies_in_a_table(explain, files):
    done = explain("robots.txt", "--url", "https://a.example/art/1.jpg", "--all-policies")
    assert done.stdout.splitlines()[-4:] == [
        "verdict: cautious@2  reserved by robots-txt:disallow",
        "verdict: letter@2    unspecified",
        "verdict: noai@1      unspecified",
        "verdict: eu-tdm@1    unspecified",
    ]
    said = explain("page.html", "--all-policies", "--policy", "letter", "--json")
    policies = json.loads(said.stdout)["policies"]
    assert next(iter(policies)) == "letter@2"
    assert policies["noai@1"]["verdict"] == "reserved"
    assert policies["noai@1"]["deciding"][0]["name"] == "noai"


def test_the_images_of_a_page_have_a_verdict_of_their_own(explain, tmp_path):
    """TDMRep speaks of the document: by its letter not of the images that it shows."""
    (tmp_path / "page.html").write_text('<head><meta name="tdm-reservation" content="1"></head>')
    done = explain("page.html", "--policy", "eu-tdm")
    assert "verdict: reserved (policy eu-tdm@1) by tdm-reservation=1" in done.stdout
    assert "for images" not in done.stdout
    allowing = ("Content-Usage: train-ai=y", "Content-Type: text/html")
    done = explain("page.html", "--policy", "noai", "--header", allowing[0], "--json")
    assert json.loads(done.stdout)["of_images"] == "unspecified"
    (tmp_path / "open").write_text("HTTP/1.1 200 OK\n" + "\n".join(allowing) + "\n\n<p>x")
    done = explain("open", "--policy", "letter")
    assert done.stdout.splitlines()[-2:] == [
        "verdict: allowed (policy letter@2) by content-usage:train-ai=y",
        "for images it shows: unspecified",
    ]


@pytest.mark.parametrize(
    ("name", "text", "kind", "mark"),
    [
        ("tdmrep.json", '[{"location": "/", "tdm-reservation": 1}]', "tdmrep-json", "tdm-reserv"),
        ("unnamed", '[{"location": "/", "tdm-reservation": 1}]', "tdmrep-json", "tdm-reserv"),
        (
            "any.xml",
            '<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license>'
            '<prohibits type="usage">ai-train</prohibits></license></content></rsl>',
            "rsl-xml",
            "rsl:prohibits=ai-train",
        ),
        ("ai.txt", "User-Agent: *\nDisallow: *.jpg\n", "ai-txt", "Disallow: *.jpg"),
        ("trust.txt", "datatrainingallowed=no\n", "trust-txt", "datatrainingallowed=no"),
    ],
)
def test_files_of_a_site(explain, tmp_path, name, text, kind, mark):
    (tmp_path / name).write_text(text)
    done = explain(name, "--url", "https://a.example/art/1.jpg")
    assert f"{name} ({kind}, for https://a.example/art/1.jpg)" in done.stdout
    assert mark in done.stdout
    assert "verdict: reserved" in done.stdout


def test_malformed_marks_are_quoted(explain):
    done = explain("--header", "X-Robots-Tag: noai; noimageai")
    assert "malformed" in done.stdout
    assert "warning: noai: not written as a list" in done.stdout
    assert "verdict: reserved" in done.stdout
    strict = explain("--header", "X-Robots-Tag: noai; noimageai", "--policy", "letter")
    assert "verdict: unspecified" in strict.stdout


def test_json(explain, files):
    done = explain("page.html", "robots.txt", "--json")
    page, robots = map(json.loads, done.stdout.splitlines())
    assert page["verdict"] == "reserved"
    assert page["policy"] == "cautious@2"
    assert page["signals"][0]["uses"] == {"train": "reserved", "train-genai": "reserved"}
    assert page["signals"][0]["raw"] == '<meta name="robots" content="noai, noimageai">'
    assert page["signals"][0]["decides"] is True
    assert robots["kind"] == "robots-txt"


def test_terminal_never_sees_control_characters(explain, tmp_path):
    (tmp_path / "a.html").write_text('<meta name="robots" content="noai \x1b[31m">', "utf-8")
    done = explain("a.html")
    assert "\x1b" not in done.stdout
    assert "\\x1b[31m" in done.stdout


def test_evidence_lines(explain, tmp_path):
    lines = [
        {"id": 1, "kind": "html", "input": PAGE, "context": {"agent": None}},
        {"id": 2, "kind": "xmp", "input": "<x/>", "context": {}},
        {
            "id": 3,
            "kind": "robots-txt",
            "input": ROBOTS,
            "context": {"image_url": "https://a/art/"},
        },
    ]
    (tmp_path / "lines").write_text("\n".join(map(json.dumps, lines)))
    done = explain("--jsonl", "lines", "--policy", "letter")
    first, second, third = map(json.loads, done.stdout.splitlines())
    assert first["train"] == "reserved"
    assert (first["signals"], first["warnings"]) == (["noai", "noimageai"], [])
    assert first["licence"] is None
    assert first["deciding"][0]["name"] == "noai"
    assert second["train"] == "unspecified"
    assert third["signals"] == ["robots-txt:disallow@GPTBot", "robots-txt:disallow@CCBot"]
    assert done.returncode == 0


def test_bad_evidence_lines_do_not_stop_the_others(explain, tmp_path):
    good = {"id": "good", "kind": "x-robots-tag", "input": [["X-Robots-Tag", "noai"]]}
    bad = [
        "{",
        "[]",
        "[" * 100_000,
        '{"id": 5}',
        '{"id": 6, "kind": "nonsense", "context": {}}',
        '{"id": 7, "kind": "html", "input": 3, "context": {}}',
        '{"id": 8, "kind": "x-robots-tag", "input": [["a"]], "context": {}}',
        '{"id": 9, "kind": "html", "input": "", "context": {"agent": 1}}',
        '{"id": 10, "kind": "html", "input": "", "context": [1], "x": "\ud800"}',
        '{"id": 11, "kind": [], "input": ""}',
        '{"id": NaN, "kind": "html", "input": ""}',
        '{"id": [1e999], "kind": "html", "input": ""}',
        '{"id": 14, "kind": "html", "input": "", "context": []}',
    ]
    text = "\n".join([*bad, "", json.dumps(good)])
    (tmp_path / "lines").write_bytes(text.encode("utf-8", "surrogatepass"))
    done = explain("--jsonl", "lines")
    assert "NaN" not in done.stdout
    assert "Infinity" not in done.stdout
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert ["error" in answer for answer in answers] == [True] * len(bad) + [False]
    assert answers[3]["id"] == 5
    assert answers[-1]["train"] == "reserved"
    assert done.returncode == 4
    assert "Traceback" not in done.stderr


def test_a_line_without_end_is_an_error_of_its_own(explain, tmp_path):
    good = json.dumps({"id": 1, "kind": "html", "input": PAGE})
    long = json.dumps({"id": 2, "kind": "html", "input": "x" * (16 * 1024 * 1024)})
    (tmp_path / "lines").write_text("\n".join([long, good, long]))
    done = explain("--jsonl", "lines")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert ["error" in answer for answer in answers] == [True, False, True]
    assert "longer than 16 MiB" in answers[0]["error"]
    assert done.returncode == 4


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "nothing to explain"),
        (["https://a.example/x", "--kind", "html"], 2, "are for files"),
        (["http://"], 4, "not a web address"),
        (["nothing"], 2, "is empty"),
        (["noise"], 2, "--kind"),
        (["page.html", "--policy", "strict"], 2, "cautious@2, letter@2, noai@1"),
        (["--header", "noai"], 2, "X-Robots-Tag: noai"),
        (["--jsonl", "lines", "page.html"], 2, "takes only --policy and --all-policies"),
        (["prose"], 2, "--kind"),
        (["missing.html"], 4, "hint: name a file that exists"),
        (["."], 4, "hint: name the files in it"),
        (["www.a.example"], 4, "hint: write a URL as https://www.a.example"),
        (["http:/a.example/x"], 4, "hint: write a URL as https://a.example/x"),
        (["ftp://a.example/"], 4, "hint: write a URL as https://a.example/"),
        (["page.html", "--url", "notaurl"], 2, "hint: write it as https://HOST/PATH"),
        (["page.html", "--agent", "Mozilla/5.0 (compatible; GPTBot/1.2)"], 2, "--agent GPTBot"),
        (["packed.gz", "--kind", "html"], 4, "unpack it first"),
        (["--jsonl", "missing"], 4, "No such file"),
    ],
)
def test_mistakes_are_told_in_one_line(explain, files, arguments, code, says):
    (files / "prose").write_text("hello")
    (files / "nothing").touch()
    (files / "packed.gz").write_bytes(b"\x1f\x8b\x08\x00")
    (files / "noise").write_bytes(bytes(range(128, 256)) * 50)
    done = explain(*arguments)
    assert done.returncode == code
    assert says in done.stderr
    assert done.stderr.count("error: ") == 1
    assert "Traceback" not in done.stderr


def test_one_unreadable_file_leaves_the_others(explain, files):
    done = explain("missing.html", "page.html")
    assert "verdict: reserved" in done.stdout
    assert done.returncode == 4


def test_binary_and_empty_input_is_only_silent(explain, tmp_path):
    (tmp_path / "noise.html").write_bytes(bytes(range(256)) * 50)
    (tmp_path / "empty.html").write_bytes(b"")
    (tmp_path / "empty.jpg").write_bytes(b"")
    done = explain("noise.html", "empty.html", "empty.jpg")
    assert done.stdout.count("verdict: unspecified") == 3
    assert "warning: unknown image format" in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("options", "offered"),
    [
        ([], ["exiftool", "meta", "X-Robots-Tag", "GPTBot", "tdm-reservation"]),
        (["--policy", "noai"], ["meta", "X-Robots-Tag"]),
        (["--policy", "letter"], ["exiftool", "meta", "X-Robots-Tag", "tdm-reservation"]),
        (
            ["--policy", "letter", "--agent", "FooBot"],
            ["exiftool", "meta", "X-Robots-Tag", "FooBot", "tdm-reservation"],
        ),
        (["--policy", "eu-tdm"], ["exiftool", "meta", "X-Robots-Tag", "tdm-reservation"]),
    ],
)
def test_what_is_advised_would_be_heard(explain, tmp_path, options, offered):
    picture = (ROOT / "demo/site/www/pictures/moon.jpg").read_bytes()
    (tmp_path / "moon.jpg").write_bytes(picture)
    advice = explain("moon.jpg", *options).stderr
    words = ["exiftool", "meta", "X-Robots-Tag", "GPTBot", "FooBot", "tdm-reservation"]
    said = [word for word in words if word in advice]
    assert said == offered


def test_a_licence_that_was_not_read_is_no_silence(explain, tmp_path):
    links = [f"<https://a.example/{n}>; rel=license; type=application/rsl+xml" for n in range(5)]
    done = explain("--header", f"Link: {', '.join(links)}")
    assert "warning: licence not read: https://a.example/0: explain it, too" in done.stdout
    assert "warning: 2 more licences not read" in done.stdout
    assert done.stderr == ""
    quiet = explain("--header", f"Link: {links[0]}", "--policy", "noai")
    assert quiet.stdout.splitlines()[-1] == "verdict: unspecified (policy noai@1)"


def test_what_the_verdict_takes_from_a_mark_is_shown(explain):
    done = explain("--header", "X-Robots-Tag: noarchive", "--agent", "Amazonbot")
    assert "* noarchive  " in done.stdout
    assert "counts as reserved" in done.stdout
    tdm = ("--header", "tdm-reservation: 1", "--header", "tdm-policy: https://a.example/p")
    assert "; counts as conditional" in explain(*tdm).stdout


def test_how_content_credentials_verify_is_shown(explain, tmp_path):
    store = {
        "active_manifest": "a",
        "manifests": {"a": {"assertions": []}},
        "validation_state": "Invalid",
        "validation_status": [{"code": "assertion.dataHash.mismatch"}],
    }
    (tmp_path / "store.json").write_text(json.dumps(store))
    done = explain("store.json", "--kind", "c2pa-json")
    assert "validation Invalid (assertion.dataHash.mismatch), no mark" in done.stdout
    (piece,) = json.loads(explain("store.json", "--json").stdout)["evidence"]
    assert piece["validation"] == {"state": "Invalid", "codes": ["assertion.dataHash.mismatch"]}


def test_user_name_and_password_are_never_shown(explain, files):
    secret = "http://user:secret@127.0.0.1:9/"
    for done in (explain(secret), explain("page.html", "--url", secret)):
        assert "secret" not in done.stdout + done.stderr
        assert "never sent" in done.stderr


def test_a_closed_output_is_an_error(files):
    command = f"exec {Path(sys.executable).parent / 'registry'} explain page.html >&-"
    done = subprocess.run(
        ["sh", "-c", command], cwd=files, stderr=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 4
    assert "standard output is closed" in done.stderr


def test_a_picture_in_jpeg_2000(run, tmp_path):
    jp2 = tmp_path / "p.jp2"
    jp2.write_bytes(b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0\0\0\x08free")
    done = run("registry", "explain", str(jp2))
    assert done.returncode == 0
    assert done.stdout.startswith(f"{jp2} (image)")
