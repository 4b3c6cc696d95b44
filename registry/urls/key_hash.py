"""The 64-bit hash of URL keys and hosts, by which tables of them are searched. Pure.

It is a multiply-fold hash: two words of eight bytes are multiplied, and the halves of the
product of 128 bits are combined with xor. Equal keys have equal hashes; unequal ones may, so
that a hit is compared with the text. `_kernel` computes the same for whole columns.
"""

from __future__ import annotations

# Odd numbers with half of their bits set, from the binary digits of pi after the point.
PI_1 = 0x243F6A8885A308D3
PI_2 = 0x13198A2E03707345
PI_3 = 0xA4093822299F31D1
_WORD = (1 << 64) - 1
_BLOCK = 16


def hash64(data: bytes) -> int:
    """Return the 64-bit hash of some bytes."""
    size = len(data)
    state = PI_1
    if size < _BLOCK:
        last = data.ljust(_BLOCK, b"\0")
    else:
        last = data[-_BLOCK:]
        for start in range(0, size - _BLOCK, _BLOCK):
            first, second = _words(data[start : start + _BLOCK])
            state = _fold(first ^ PI_2, second ^ state)
    first, second = _words(last)
    return _fold(PI_3 ^ size, _fold(first ^ PI_2, second ^ state))


def _words(block: bytes) -> tuple[int, int]:
    return int.from_bytes(block[:8], "little"), int.from_bytes(block[8:], "little")


def _fold(one: int, other: int) -> int:
    product = one * other
    return (product & _WORD) ^ (product >> 64)
