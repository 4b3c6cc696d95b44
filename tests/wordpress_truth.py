"""What is true of a WordPress, by its database: posts, their pictures and marks, their lists."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

from site_truth import TruePage, Truth
from wordpress import WordPress

_POSTS = """
SELECT post.ID, post.post_name, post.post_type, coalesce(thumbnail.meta_value, ''),
       coalesce(mark.meta_value, '')
FROM wp_posts AS post
LEFT JOIN wp_postmeta AS thumbnail
    ON thumbnail.post_id = post.ID AND thumbnail.meta_key = '_thumbnail_id'
LEFT JOIN wp_postmeta AS mark ON mark.post_id = post.ID AND mark.meta_key = 'ai_mark'
WHERE post.post_status = 'publish' AND post.post_type IN ('post', 'page')
ORDER BY post.post_date DESC
"""
_SHOWN = """
SELECT post.ID, picture.ID FROM wp_posts AS post JOIN wp_posts AS picture
    ON picture.post_type = 'attachment'
    AND post.post_content LIKE concat('%class="wp-image-', picture.ID, '"%')
WHERE post.post_status = 'publish'
"""
# A picture has a page of its own, without marks, to which the post may lead.
_PICTURE_PAGES = """
SELECT concat(post.post_name, '/', picture.post_name), picture.ID
FROM wp_posts AS post JOIN wp_posts AS picture ON picture.post_parent = post.ID
WHERE post.post_status = 'publish' AND picture.post_type = 'attachment'
    AND post.post_content LIKE concat('%/', post.post_name, '/', picture.post_name, '/"%')
"""
_CATEGORIES = """
SELECT term.slug, object_id FROM wp_term_relationships
JOIN wp_term_taxonomy USING (term_taxonomy_id) JOIN wp_terms AS term USING (term_id)
WHERE taxonomy = 'category'
"""
_PICTURES = """
SELECT file.post_id, file.meta_value, sizes.meta_value FROM wp_postmeta AS file
JOIN wp_postmeta AS sizes USING (post_id)
WHERE file.meta_key = '_wp_attached_file' AND sizes.meta_key = '_wp_attachment_metadata'
"""
_PAGE_SIZE = "SELECT option_value FROM wp_options WHERE option_name = 'posts_per_page'"
# In values that PHP has serialized.
_WHOLE = re.compile(r'^a:\d+:\{s:5:"width";i:(\d+);s:6:"height";i:(\d+);')
_SIZE = re.compile(r's:4:"file";s:\d+:"([^"]+)";s:5:"width";i:(\d+);s:6:"height";i:(\d+);')


def wordpress_truth(site: WordPress) -> Truth:
    """Return what is true of a site now."""
    truth = Truth(site.url)
    sizes = {number: _sizes(site, file, text) for number, file, text in site.sql(_PICTURES)}
    for urls in sizes.values():
        path = site.folder / urls[0].removeprefix(f"{site.url}/")
        truth.files[urls[0]] = hashlib.sha256(path.read_bytes()).hexdigest()
    shown, posts, categories = site.sql(_SHOWN), site.sql(_POSTS), site.sql(_CATEGORIES)
    reserved = {number for slug, number in categories if slug == "reserved"}
    for number, slug, _, thumbnail, mark in posts:
        pictures = [thumbnail, *(picture for post, picture in shown if post == number)]
        page = TruePage(_marks(mark, is_reserved=number in reserved), _images(pictures, sizes))
        truth.pages[f"{site.url}/{slug}/"] = page
    for path, number in site.sql(_PICTURE_PAGES):
        truth.pages[f"{site.url}/{path}/"] = TruePage(images=_images([number], sizes))
    listed = [(number, thumbnail) for number, _, kind, thumbnail, _ in posts if kind == "post"]
    truth.pages |= _lists(site, "/", [thumbnail for _, thumbnail in listed], sizes)
    for slug in {slug for slug, _ in categories}:
        members = {number for name, number in categories if name == slug}
        thumbnails = [thumbnail for number, thumbnail in listed if number in members]
        truth.pages |= _lists(site, f"/category/{slug}/", thumbnails, sizes)
    return truth


def _sizes(site: WordPress, file: str, text: str) -> list[str]:
    """Return the URLs of a picture, the whole one first: those of its shape, which srcset has."""
    whole = _WHOLE.match(text)
    assert whole is not None
    width, height = int(whole[1]), int(whole[2])
    folder = f"{site.url}/wp-content/uploads"
    alike = [
        f"{folder}/{file.rpartition('/')[0]}/{name}"
        for name, w, h in _SIZE.findall(text)
        if abs(int(w) * height / width - int(h)) <= 1
    ]
    return [f"{folder}/{file}", *alike]


def _images(pictures: Iterable[str], sizes: dict[str, list[str]]) -> dict[str, str]:
    return {url: sizes[number][0] for number in pictures for url in sizes[number]}


def _marks(mark: str, *, is_reserved: bool) -> dict[str, str]:
    marks = {}
    if mark:
        directives = ", ".join(["max-image-preview:large", *mark.split()])
        marks["html"] = f"<meta name='robots' content='{directives}' />"
    if is_reserved:
        marks["headers"] = "X-Robots-Tag: noai"
    return marks


def _lists(
    site: WordPress, path: str, thumbnails: Sequence[str], sizes: dict[str, list[str]]
) -> dict[str, TruePage]:
    """Return the pages of a list of posts, newest first, each with its thumbnail."""
    ((size,),) = site.sql(_PAGE_SIZE)
    parts = [thumbnails[at : at + int(size)] for at in range(0, len(thumbnails), int(size))]
    return {
        site.url + (path if number == 1 else f"{path}page/{number}/"): TruePage(
            images=_images(part, sizes)
        )
        for number, part in enumerate(parts, start=1)
    }
