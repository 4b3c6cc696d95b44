"""Which column serves as what."""

import pytest

from registry.checking.column_plan import choose
from registry.checking.columns import Column, Columns
from registry.errors import UnreadableDataset, UsageError

PHASH = ("c9b6a7d8469c1959", "d5d5d5d52a2a2a2a")
URLS = ("https://a.example/1.jpg", "https://b.example/2.png")
PAGES = ("https://a.example/1", "https://b.example/works/2/")


def text(name: str, *sample: str) -> Column:
    return Column(name, "string", "string", sample)


def roles(found: Columns) -> dict[str, str | None]:
    return {choice.column: choice.role for choice in found.choices}


def test_laion_goes_by_url_and_its_hash_is_left_out():
    found = choose([text("URL", *URLS), text("TEXT", "a cat"), Column("hash", "other", "int64")])
    assert roles(found) == {"URL": "url", "hash": None}
    assert "url and text" in found.choices[1].why
    assert found.read == ("URL", "TEXT")


def test_coyo_compares_its_phash():
    found = choose([text("url", *URLS), text("image_phash", *PHASH)])
    assert roles(found) == {"url": "url", "image_phash": "phash64"}
    assert "balanced" in found.choices[1].why
    assert found.choices[1].doubt is None


@pytest.mark.parametrize("name", ["jpg", "left.png", "gif", "0.avif", "tiff"])
def test_bytes_named_as_files_of_images_are_pictures_without_a_sample(name: str):
    # The first rows of a shard may have other endings.
    found = choose([text("url", *URLS), Column(name, "binary", "binary")])
    assert roles(found) == {"url": "url", name: "image"}


def test_a_hash_of_another_family_is_doubted():
    (choice,) = choose([text("phash", "0123456789abcdef", "00000000000000ff")]).choices
    assert (choice.role, choice.doubt) == ("phash64", "hash-of-another-algorithm")
    assert "do NOT look like" in choice.why


def test_who_names_the_column_by_hand_vouches_for_its_algorithm():
    columns = [text("phash", "0123456789abcdef", "00000000000000ff")]
    (choice,) = choose(columns, {"phash64": ["phash"]}).choices
    assert (choice.role, choice.doubt) == ("phash64", None)
    assert "do NOT look like" in choice.why


def test_pd12m_hash_is_an_md5():
    columns = [text("url", *URLS), text("hash", "0" * 32), text("mime_type", "image/png")]
    assert roles(choose(columns)) == {"url": "url", "hash": "md5"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("sha256", "zz"), ("phash", "c9b6"), ("md5", "0" * 31), ("sha256", "0" * 32)],
)
def test_a_name_whose_values_do_not_fit_is_doubted(name: str, value: str):
    found = choose([text("url", *URLS), text(name, value)])
    assert roles(found) == {"url": "url", name: None}
    assert "do not fit" in found.choices[-1].why
    assert found.choices[-1].doubt == "column-not-read"
    assert found.read == ("url", name)


def test_a_hash_of_another_type_is_doubted():
    found = choose([text("url", *URLS), Column("phash", "other", "double")])
    assert found.choices[-1].doubt == "column-not-read"


def test_pictures_as_bytes_and_as_struct():
    assert roles(choose([Column("jpg", "binary", "binary")])) == {"jpg": "image"}
    assert roles(choose([Column("photo", "picture", "struct<...>")])) == {"photo": "image"}
    both = choose([Column("jpg_0", "binary", "binary"), Column("jpg_1", "binary", "binary")])
    assert roles(both) == {"jpg_0": "image", "jpg_1": "image"}
    by_content = choose([Column("blob", "binary", "binary", ("ffd8ffe000104a46",) * 3)])
    assert roles(by_content) == {"blob": "image"}


@pytest.mark.parametrize(
    "column",
    [
        Column("images", "binary", "list<binary>", ("89504e470d0a1a0a00",)),
        text("image_base64", "/9j/4AAQSkZJRg", "/9j/4AAQSkZJRg"),
        text("image_base64", "SUkqAAgAAAAQ", "TU0AKgAAAAgA"),
        text("image", "data:image/png;base64,iVBORw0KGgo"),
        text("picture", "ffd8ffe000104a46", "89504e470d0a1a0a00"),
    ],
)
def test_pictures_in_other_forms_are_pictures(column: Column):
    found = choose([text("url", *URLS), column])
    assert found.choices[-1].role == "image"


def test_numbers_and_joined_hashes_can_be_fingerprints():
    codes = ["c9b6a7d8469c1959", "b1c6a7d8469c1959", "e9b6a7d8469c1919"] * 2
    (numbers,) = choose(
        [Column("code", "other", "int64", tuple(str(int(code, 16) - (1 << 64)) for code in codes))]
    ).choices
    assert numbers.role == "phash64"
    (joined,) = choose([text("imagehash", *(code * 2 for code in codes))]).choices
    assert (joined.role, joined.joined) == ("phash64", True)


def test_nested_texts_that_are_no_keys_do_not_matter():
    found = choose([text("url", *URLS), Column("tags", "nested", "list<string>", ("cat", "dog"))])
    assert roles(found) == {"url": "url"}


# What the columns hold, and the roles they get.
P, I, W = PAGES, URLS, ("a cat", "two dogs")  # noqa: E741
ADDRESSES = [
    ({"url": I}, {"url": "url"}),
    ({"url": P}, {"url": "url"}),
    ({"LINK_TO_PICTURE": (*I, "-")}, {"LINK_TO_PICTURE": "url"}),
    ({"address": I}, {"address": "url"}),
    # YFCC, Unsplash, Danbooru, WIT, WAON, Open Images, Pick-a-Pic
    ({"pageurl": P, "downloadurl": I}, {"pageurl": "page_url", "downloadurl": "url"}),
    ({"photo_url": P, "photo_image_url": P}, {"photo_url": "source_url", "photo_image_url": "url"}),
    ({"source": P, "file_url": I}, {"source": "source_url", "file_url": "url"}),
    ({"page_url": P, "image_url": I}, {"page_url": "page_url", "image_url": "url"}),
    ({"url": I, "page_url": P}, {"url": "url", "page_url": "page_url"}),
    (
        {"OriginalURL": I, "OriginalLandingURL": P, "License": P, "AuthorProfileURL": P},
        {
            "OriginalURL": "url",
            "OriginalLandingURL": "page_url",
            "License": None,
            "AuthorProfileURL": None,
        },
    ),
    ({"image_0_url": I, "image_1_url": I}, {"image_0_url": "url", "image_1_url": "url"}),
    # A generic name beside addresses that look like pictures is the page's, or the post's.
    ({"url": P, "file_url": I}, {"url": "source_url", "file_url": "url"}),
    ({"url": I, "image_url": I}, {"url": "url", "image_url": "url"}),
    ({"URL": I, "url": I}, {"URL": "url", "url": "url"}),
    # Commons: a page's address that ends as a picture's does.
    ({"page_url": I, "image_url": I}, {"page_url": "source_url", "image_url": "url"}),
    ({"url": I, "license_url": P}, {"url": "url", "license_url": None}),
    ({"caption": W, "url": I}, {"url": "url"}),
    ({"source": I}, {"source": "url"}),
]


@pytest.mark.parametrize(("columns", "expected"), ADDRESSES)
def test_addresses_get_the_role_of_what_they_name(columns, expected):
    if set(expected.values()) <= {None, "page_url", "source_url"}:
        expected = {**expected}
        columns = {**columns, "md5": ("0" * 32,)}
        expected["md5"] = "md5"
    found = choose([text(name, *sample) for name, sample in columns.items()])
    assert roles(found) == expected


@pytest.mark.parametrize(
    "columns",
    [{"photo_url": P}, {"source": P}, {"source": P, "pageurl": P}, {"post": P}],
)
def test_what_is_not_plain_is_asked(columns):
    with pytest.raises(UnreadableDataset) as caught:
        choose([text(name, *sample) for name, sample in columns.items()])
    name = next(iter(columns))
    assert f"--column url={name}" in caught.value.hint
    assert roles(choose([text(n, *s) for n, s in columns.items()], {"url": [name]}))[name] == "url"


def test_pages_alone_are_never_offered_as_pictures():
    columns = [text("page_url", *P), text("caption", "a cat")]
    with pytest.raises(UnreadableDataset) as caught:
        choose(columns)
    assert "--column page_url=page_url" in caught.value.hint
    (by_hand,) = choose(columns, {"page_url": ["page_url"]}).of("page_url")
    (against,) = choose(columns, {"url": ["page_url"]}).of("url")
    assert "do not look like" in against.why
    assert "do not look like" not in by_hand.why


def test_nothing_usable_names_what_was_seen_and_what_would_do():
    with pytest.raises(UnreadableDataset) as caught:
        choose([text("caption", "a cat"), Column("id", "other", "int64")])
    assert "caption (string), id (int64)" in caught.value.message
    assert "--column url=NAME" in caught.value.hint


def test_an_override_goes_first_and_others_are_looked_up_beside_it():
    columns = [text("url", *URLS), text("LINK", *URLS)]
    assert roles(choose(columns, {"url": ["LINK"]})) == {"url": "source_url", "LINK": "url"}
    assert roles(choose(columns, {"ignore": ["url"]})) == {"url": None, "LINK": "url"}
    with pytest.raises(UsageError, match="no such column"):
        choose(columns, {"url": ["nope"]})
    with pytest.raises(UsageError, match="cannot have this role"):
        choose(columns, {"image": ["url"]})
