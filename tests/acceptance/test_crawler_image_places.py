"""A dataset row of any picture that a page shows under its mark is reserved, not clear."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from crawling import Run
from raw_site import answer, raw_site

HTML = "Content-Type: text/html"
CAT = answer(Path("demo/site/www/pictures/cat.jpg").read_bytes(), "Content-Type: image/jpeg")
PLACES = (
    "<video poster='/{}.jpg'></video>",
    "<svg><image xlink:href='/{}.jpg'/></svg>",
    "<object data='/{}.jpg'></object>",
    "<embed src='/{}.jpg'>",
    "<input type=image src='/{}.jpg'>",
    "<link rel=preload as=image imagesrcset='/{}.jpg 2x'>",
    '<script type="application/ld+json">{{"image": "/{}.jpg"}}</script>',
    "<iframe srcdoc='<img src=/{}.jpg>'></iframe>",
    "<style>p {{ background: url(/{}.jpg) }}</style>",
    "<table background='/{}.jpg'></table>",
)


def test_rows_of_pictures_in_all_places_are_reserved(
    run: Run, crawl: Run, database_url: str, tmp_path: Path
) -> None:
    names = [str(number) for number in range(len(PLACES))]
    shown = "".join(map(str.format, PLACES, names))
    with raw_site() as site:
        refresh = b'<meta http-equiv="refresh" content="0; url=/shown">'
        page = f'<meta name="robots" content="noai">{shown}'.encode()
        site.answers = {"/": answer(refresh, HTML), "/shown": answer(page, HTML)}
        site.answers |= {f"/{name}.jpg": CAT for name in names}
        assert crawl(site.url + "/").returncode == 0
        urls = [f"{site.url}/{name}.jpg" for name in names]
    run("registry", "snapshot", "build", "--out", tmp_path / "made", database=database_url)
    pq.write_table(pa.table({"url": urls}), tmp_path / "rows.parquet")
    checked = run(
        *("registry", "check", tmp_path / "rows.parquet", "--json"),
        *("--snapshot", tmp_path / "made"),
    )
    assert json.loads(checked.stdout)["outcomes"]["reserved"] == len(urls), checked.stderr
