"""Hashes in columns without the name of a hash, in the forms that programs write (pure).

A sha256 or md5 is recognised by its length, a fingerprint only by the bits of many values.
So a value that can be a digest is looked up, which does no harm, and values of 64 bits are
fingerprints if those of a batch are balanced like those of imagehash.phash.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.checking.hash_family import sample_passes
from registry.model import DIGESTS, HASH_BYTES, hex_pattern

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Digests by their length in bytes; and the length of a phash64.
SIZES = {HASH_BYTES[name]: name for name in DIGESTS}
PRINT = HASH_BYTES["phash64"]
# Fewest values of 64 bits that can be recognised as fingerprints.
FEWEST = 5
_MARK = r"(?:(?i:[a-z][a-z0-9_-]{0,15}[:=]|sha-?256-|md5-|0x)|\\x)?"
_HEX = hex_pattern("phash64", *DIGESTS)
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
# Characters of a hash in base64, and those that fill it up, by its length in bytes.
_BASE64_LENGTHS = {size: (-(-4 * size // 3), -size % 3) for size in (*SIZES, PRINT)}
_BASE64 = "|".join(
    f"[A-Za-z0-9+/_-]{{{length}}}(?:{'=' * fill})?" for length, fill in _BASE64_LENGTHS.values()
)
_BASE64 = f"(?:{_BASE64})"
_AROUND = r"[\s\"'\[\](){}<>,;]*"
# Texts that can be a hash (RE2, over bytes).
LIKE = rf"^{_AROUND}{_MARK}\s*(?:{_HEX}|{_UUID}|{_BASE64}|-?[0-9]{{17,20}}){_AROUND}$"
# The same within a list or a struct, where they are not looked up: clear cases only.
PLAIN = (
    rf"^{_AROUND}{_MARK}\s*{hex_pattern(*DIGESTS)}{_AROUND}$"
    rf"|^(?i:sha-?256-)?[A-Za-z0-9+/]{{{_BASE64_LENGTHS[HASH_BYTES['sha256']][0]}}}=$"
)
_PARTS = re.compile(rf"{_AROUND}{_MARK}\s*(?P<rest>[0-9A-Za-z+/_=-]+){_AROUND}", re.ASCII)
_HEX_ALONE = re.compile(_HEX)
_UUID_ALONE = re.compile(_UUID)
_BASE64_ALONE = re.compile(_BASE64)
_DECIMAL = re.compile(r"-?[0-9]{17,20}")
_BITS = re.compile(f"[01]{{{8 * PRINT}}}")


def hashes(value: bytes) -> list[bytes]:
    """Return the possible hashes of 8, 16 or 32 bytes that a value holds, raw or as text."""
    raw = [value] if len(value) in (PRINT, *SIZES) else []
    try:
        return [*raw, *_in_text(value.decode("ascii"))]
    except UnicodeDecodeError:
        return raw


def hash_in(text: str, size: int) -> bytes | None:
    """Return the first hash of so many bytes that a text holds in one of the forms, or None."""
    return next((one for one in _in_text(text) if len(one) == size), None)


def in_hex(text: pa.Array, size: int) -> pa.Array:
    """Return texts of which those that hold a hash of so many bytes in another form are hex."""
    plain = pc.match_substring_regex(text, f"^[0-9a-fA-F]{{{2 * size}}}$")
    other = pc.and_(pc.fill_null(pc.invert(plain), False), text.is_valid())
    if not pc.any(other).as_py():
        return text
    found = [hash_in(value, size) for value in text.filter(other).to_pylist()]
    hexes = pa.array([one and one.hex() for one in found], text.type)
    # What holds none stays as it is, so that it is counted.
    return pc.replace_with_mask(text, other, pc.coalesce(hexes, text.filter(other)))


def are_fingerprints(codes: NDArray[np.uint64]) -> bool:
    """Return whether values of 64 bits look like fingerprints; False for fewer than FEWEST."""
    return len(codes) >= FEWEST and sample_passes(codes.tolist())


def as_codes(values: list[bytes]) -> NDArray[np.uint64]:
    """Return hashes of eight bytes as numbers."""
    return np.frombuffer(b"".join(values), ">u8").astype(np.uint64)


def as_hex(column: pa.Array) -> pa.Array:
    """Return numbers of 64 bits, signed or not, as 16 hex digits."""
    codes = column.fill_null(0).to_numpy(zero_copy_only=False).astype(np.uint64)
    digits = codes.astype(">u8").tobytes().hex()
    length = 2 * PRINT
    texts = pa.array([digits[at : at + length] for at in range(0, len(digits), length)])
    return pc.if_else(column.is_valid(), texts, pa.scalar(None, pa.string()))


def pieces(column: pa.Array) -> list[pa.Array]:
    """Return values of several hashes in a row as columns: the first of each, the second, ..."""
    length = 2 * PRINT
    text = pc.utf8_trim_whitespace(column)
    most = -(-(pc.max(pc.binary_length(text)).as_py() or 0) // length)
    parts = [
        pc.utf8_slice_codeunits(text, at, at + length) for at in range(0, most * length, length)
    ]
    return [pc.if_else(pc.equal(part, ""), None, part) for part in parts]


def of_length(column: pa.Array, size: int) -> NDArray[np.bool_]:
    """Return a mask of the values with `size` bytes."""
    if pa.types.is_fixed_size_binary(column.type):
        fits = pa.array(np.full(len(column), column.type.byte_width == size))
        fits = pc.and_(fits, column.is_valid())
    else:
        fits = pc.equal(pc.binary_length(column), size)
    mask: NDArray[np.bool_] = fits.fill_null(False).to_numpy(zero_copy_only=False).astype(bool)
    return mask


def _in_text(text: str) -> Iterator[bytes]:
    parts = _PARTS.fullmatch(text)
    return _written(parts["rest"]) if parts else iter(())


def _written(text: str) -> Iterator[bytes]:
    if _HEX_ALONE.fullmatch(text):
        yield bytes.fromhex(text)
    if _UUID_ALONE.fullmatch(text):
        yield bytes.fromhex(text.replace("-", ""))
    if _BITS.fullmatch(text):
        yield int(text, 2).to_bytes(PRINT, "big")
    if _DECIMAL.fullmatch(text):
        # A negative number is the same 64 bits, signed.
        yield (int(text) % (1 << 64)).to_bytes(PRINT, "big")
    if _BASE64_ALONE.fullmatch(text):
        plain = text.rstrip("=").translate(str.maketrans("-_", "+/"))
        yield base64.b64decode(plain + "=" * (-len(plain) % 4))
