"""The keys of pictures for whole columns of URLs, the same for all sizes of a picture. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from registry.urls.columns import KeyColumn, key_column
from registry.urls.variants import candidates, same_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray


def picture_keys(keys: pa.StringArray) -> pa.StringArray:
    """Return the key that all sizes of a picture have, where it is another one; else null."""
    pictures = [None if key is None else same_picture(key) for key in keys.to_pylist()]
    return pa.array([picture and picture[0] for picture in pictures], pa.string())


def other_keys(keys: KeyColumn) -> tuple[NDArray[np.int64], KeyColumn]:
    """Return the rows whose picture has another key than their URL, and these keys."""
    texts = keys.keys()
    rows = np.flatnonzero(candidates(texts))
    distinct = texts.take(pa.array(rows)).dictionary_encode()
    pictures = picture_keys(distinct.dictionary).take(distinct.indices)
    changed = np.flatnonzero(pictures.is_valid().to_numpy(zero_copy_only=False))
    return rows[changed], key_column(pictures.take(pa.array(changed)))
