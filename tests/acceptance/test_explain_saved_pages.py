"""`registry explain` on pages that a browser saved as MHTML."""

import base64
import json

import image_files
import pytest

PAGE = "https://a.example/art/1"
CONTENT = (
    "From: <Saved by Blink>\r\nSnapshot-Content-Location: {page}\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/related;\r\n\ttype="text/html";\r\n\tboundary="x"\r\n\r\n\r\n'
    "--x\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n"
    "Content-Location: {page}\r\n\r\n"
    '<!DOCTYPE html><html><meta name=3D"robots" content=3D"no=\r\nai">{text}\r\n'
    "--x\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
    "Content-Location: https://a.example/1.png\r\n\r\n{image}\r\n--x--\r\n"
)


@pytest.mark.parametrize("name", ["page.mhtml", "page.mht", "page.txt", "page.html"])
def test_the_page_and_its_images_are_explained(explain, tmp_path, name):
    image = base64.encodebytes(image_files.png()).decode()
    # Words that would make another kind of file of it.
    text = "User-agent: GPTBot"
    (tmp_path / name).write_text(CONTENT.format(page=PAGE, text=text, image=image), newline="")
    done = explain(name, "--json")
    page, picture = (json.loads(line) for line in done.stdout.splitlines())
    assert done.returncode == 0
    assert (page["target"], page["kind"], page["page_url"]) == (name, "html", PAGE)
    assert (page["verdict"], page["of_images"]) == ("reserved", "reserved")
    assert (picture["target"], picture["kind"]) == ("https://a.example/1.png", "image")
    headers = page["evidence"][0]
    assert (headers["carrier"], headers["refusal"]) == (
        "headers",
        "not read: browsers do not save them",
    )


def test_what_is_asked_about_and_its_headers_can_be_given(explain, tmp_path):
    content = CONTENT.format(page="cid:1", text="", image="").replace('"no=\r\nai"', '"x"')
    (tmp_path / "page.mhtml").write_text(content, newline="")
    done = explain("page.mhtml", "--url", PAGE, "--header", "X-Robots-Tag: noai", "--json")
    page = json.loads(done.stdout.splitlines()[0])
    assert (page["page_url"], page["verdict"]) == (PAGE, "reserved")


def test_a_file_of_that_name_that_is_a_plain_page_is_read(explain, tmp_path):
    (tmp_path / "page.mhtml").write_text("<html><meta name=robots content=noai>")
    assert "verdict: reserved" in explain("page.mhtml").stdout


def test_a_file_without_a_page_is_refused(explain, tmp_path):
    (tmp_path / "page.mhtml").write_text(CONTENT.partition("--x\r\n")[0], newline="")
    done = explain("page.mhtml")
    assert done.returncode == 4
    assert "page.mhtml: no page in it" in done.stderr
