"""The keys of pictures for whole columns of URLs, the same for all sizes of a picture. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from registry.urls.columns import KeyColumn, key_column
from registry.urls.variants import candidates, is_address, same_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray


def picture_keys(keys: pa.StringArray) -> pa.StringArray:
    """Return the key that all sizes of a picture have, where it is another one; else null."""
    pictures = [None if key is None else same_picture(key) for key in keys.to_pylist()]
    return pa.array([picture and picture[0] for picture in pictures], pa.string())


class OtherKeys(NamedTuple):
    """The rows whose picture has another key than their URL, and these keys."""

    rows: NDArray[np.int64]
    keys: KeyColumn


def other_keys(keys: KeyColumn) -> OtherKeys:
    """Return the keys of the pictures of a column of URLs, where they are others."""
    texts = keys.keys()
    rows = np.flatnonzero(candidates(texts))
    distinct = texts.take(pa.array(rows)).dictionary_encode()
    pictures = picture_keys(distinct.dictionary).take(distinct.indices)
    changed = np.flatnonzero(pictures.is_valid().to_numpy(zero_copy_only=False))
    return OtherKeys(rows[changed], key_column(pictures.take(pa.array(changed))))


def are_addresses(others: OtherKeys, some: NDArray[np.int64], urls: KeyColumn) -> NDArray[np.bool_]:
    """Return which of some of the pictures' keys are addresses of originals."""
    keys = zip(
        others.keys.keys(some).to_pylist(), urls.keys(others.rows[some]).to_pylist(), strict=True
    )
    return np.array([is_address(picture, key) for picture, key in keys], bool)
