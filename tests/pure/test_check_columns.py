"""Which column serves as what."""

import pytest

from registry.check.columns import Column, choose
from registry.errors import UnreadableDataset, UsageError

PHASH = ("c9b6a7d8469c1959", "d5d5d5d52a2a2a2a")
URLS = ("https://a.example/1.jpg", "https://b.example/2.png")


def text(name: str, *sample: str) -> Column:
    return Column(name, "string", "string", sample)


def test_laion_goes_by_url_and_its_hash_is_left_out():
    found = choose([text("URL", *URLS), text("TEXT", "a cat"), Column("hash", "other", "int64")])
    assert found.by_role == {"url": "URL"}
    assert [(c.column, c.role) for c in found.choices] == [("URL", "url"), ("hash", None)]
    assert "url and text" in found.choices[1].why


def test_coyo_compares_its_phash():
    found = choose([text("url", *URLS), text("image_phash", *PHASH)])
    assert found.by_role == {"url": "url", "phash64": "image_phash"}
    assert "balanced" in found.choices[1].why


def test_a_hash_of_another_family_is_said():
    found = choose([text("phash", "0123456789abcdef", "00000000000000ff")])
    assert "do NOT look like" in found.choices[0].why


def test_pd12m_hash_is_an_md5():
    columns = [text("url", *URLS), text("hash", "0" * 32), text("mime_type", "image/png")]
    assert choose(columns).by_role == {"url": "url", "md5": "hash"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("sha256", "zz"), ("phash", "c9b6"), ("md5", "0" * 31), ("sha256", "0" * 32)],
)
def test_a_name_whose_values_do_not_fit_is_left_out(name: str, value: str):
    found = choose([text("url", *URLS), text(name, value)])
    assert found.by_role == {"url": "url"}
    assert "do not fit" in found.choices[-1].why


def test_pictures_as_bytes_and_as_struct():
    assert choose([Column("jpg", "binary", "binary")]).by_role == {"image": "jpg"}
    assert choose([Column("photo", "picture", "struct<...>")]).by_role == {"image": "photo"}


def test_an_unnamed_column_of_urls_is_found_by_content():
    found = choose([text("LINK_TO_PICTURE", *URLS, "-"), text("note", "see http://x")])
    assert found.by_role == {"url": "LINK_TO_PICTURE"}
    assert found.choices[0].why == "67% of a sample are URLs"


def test_the_surer_name_goes_first_and_the_other_is_not_slandered():
    found = choose([text("url", *URLS), text("image_url", *URLS)])
    assert found.by_role == {"url": "image_url"}
    assert found.choices[1].why == "another column serves as url"
    assert choose([text("URL", *URLS), text("url", *URLS)]).by_role == {"url": "url"}


def test_the_page_is_not_taken_for_the_image():
    with pytest.raises(UnreadableDataset):
        choose([text("page_url", *URLS)])


def test_nothing_usable_names_what_was_seen_and_what_would_do():
    with pytest.raises(UnreadableDataset) as caught:
        choose([text("caption", "a cat"), Column("id", "other", "int64")])
    assert "caption (string), id (int64)" in caught.value.message
    assert "--column url=NAME" in caught.value.hint


def test_an_override_comes_first():
    columns = [text("url", *URLS), text("LINK", *URLS)]
    assert choose(columns, {"url": "LINK"}).by_role == {"url": "LINK"}
    with pytest.raises(UsageError, match="no such column"):
        choose(columns, {"url": "nope"})
    with pytest.raises(UsageError, match="cannot serve as image"):
        choose(columns, {"image": "url"})
