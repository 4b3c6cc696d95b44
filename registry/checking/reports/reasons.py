"""What the reasons for unchecked rows mean, in a few words (pure)."""

from __future__ import annotations

from registry.checking import complete

MEANS = {
    complete.NOTHING: "no value in any of the columns used",
    complete.UNREADABLE: "a place in its file, but the row could not be read",
    complete.PAGE_ONLY: "a page, but nothing that names the picture itself",
    complete.OTHER_ALGORITHM: "a hash of an algorithm that the registry has no hashes of",
    complete.NOT_READ: "pictures, URLs or hashes in a form that is not read",
    complete.UNRECORDED: "only a kind of key that the registry has none of",
    complete.EMPTY: "nothing to be compared with: the registry is empty",
    "pictures-left-out": "pictures or archives beside the table that were not read",
    "metadata-left-out": "a table or text with keys beside the dataset that was not read",
    "image-not-embedded": "the path of a picture, and not the picture",
    "bad-url": "a value that is no URL",
    "bad-page_url": "a value that is no URL of a page",
    "bad-sha256": "a digest of another length, or not hexadecimal",
    "bad-md5": "a digest of another length, or not hexadecimal",
    "bad-phash64": "a hash of another length, or not hexadecimal",
    "unfit-phash64": "the hash of a picture of one colour, which matches every blank picture",
    "unfit-flat": "a picture with too little structure for a fingerprint",
    "unfit-too-small": "a picture with too few pixels for a fingerprint",
    "image-empty": "a picture of 0 bytes",
    "image-not-an-image": "bytes that are no picture",
    "image-unsupported-format": "a picture in a format that is not read",
    "image-broken": "a picture that cannot be decoded",
    "image-too-many-pixels": "a picture with more than 100 million pixels",
    "image-timeout": "a picture that takes too long to decode",
    "image-out-of-memory": "a picture that takes too much memory to decode",
    "image-crashed": "a picture that ends its decoder",
}
