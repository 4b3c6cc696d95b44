"""Hosts as the URL Standard (WHATWG, section 3.5) spells them.

Names are lower-case ASCII with A-labels (UTS 46, not transitional: `faß.de` is
not `fass.de`) and without the final dot. IPv4 addresses are dotted decimals,
whichever of their forms was written (`127.1`, `0x7f.1`, `2130706433`,
`017700000001`). IPv6 addresses are in their shortest form (RFC 5952), without
dotted decimals, and in brackets.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

# Labels separated by single dots; the underscore is no host name (RFC 952) but resolves.
HOST_PATTERN = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"
DEFAULT_PORTS = {"http": 80, "https": 443}
# RFC 1035, section 2.3.4: octets of a name, written without its length octets, and of a label.
MAX_HOST = 253
MAX_LABEL = 63

_HOST = re.compile(HOST_PATTERN)
_PORT = re.compile(r":(?P<port>[0-9]*)\Z", re.ASCII)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_OCTAL = re.compile(r"0[0-7]*")
# More digits than this, leading zeros aside, exceed 32 bits in any base.
_MOST_DIGITS = 11
_ZEROS = re.compile(r"\b0(?::0)+\b")


def spelled_authority(text: str, scheme: str) -> str | None:
    """Return `host` or `host:port` of a URL's authority; None for an invalid host.

    User and password are dropped, and so is the scheme's own port.
    """
    # A visit asks for the same few all the time; long ones are not worth their memory.
    return _recent(text, scheme) if len(text) <= MAX_HOST else _spelled(text, scheme)


def _spelled(text: str, scheme: str) -> str | None:
    text = text.rpartition("@")[2]
    named = _PORT.search(text)
    host = spelled_host(text[: named.start()] if named else text)
    if host is None or named is None or not named["port"]:
        return host
    # Leading zeros mean nothing, and more than five digits are no port.
    digits = named["port"].lstrip("0") or "0"
    if len(digits) > 5 or int(digits) > 65535:
        return None
    return host if int(digits) == DEFAULT_PORTS.get(scheme) else f"{host}:{digits}"


_recent = lru_cache(4096)(_spelled)


def spelled_host(text: str) -> str | None:
    """Return a host (without port) in normal form; None for an invalid one."""
    if text.startswith("["):
        return _ipv6(text)
    text = _unescaped(text).lower()
    if not text.isascii():
        text = _a_labels(text)
    text = text.removesuffix(".")
    if not _HOST.fullmatch(text):
        return None
    return _ipv4(text) if _NUMBER.fullmatch(text.rpartition(".")[2]) else text


def fits_dns(host: str) -> bool:
    """Return whether a host, with or without port, fits the length limits of DNS (RFC 1035)."""
    name = host if host.startswith("[") else host.partition(":")[0]
    return len(name) <= MAX_HOST and all(len(label) <= MAX_LABEL for label in name.split("."))


def bare(host: str) -> str:
    """Return a spelled host without its port, and an IPv6 address without its brackets."""
    if host.startswith("["):
        return host[1 : host.index("]")]
    return host.partition(":")[0]


def ip_of(hostname: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that a bare host name is; None for a name."""
    try:
        return ipaddress.ip_address(hostname)
    except ValueError:
        return None


def _unescaped(text: str) -> str:
    """Decode percent-encoded UTF-8 in a host; what is not UTF-8 can't be a host anyway."""
    if "%" not in text:
        return text
    octets = re.split(_ESCAPE, text)
    encoded = b"".join(
        bytes.fromhex(piece) if number % 2 else piece.encode("utf-8", "replace")
        for number, piece in enumerate(octets)
    )
    return encoded.decode("utf-8", "replace")


def _ipv4(host: str) -> str | None:
    """Read the forms of an IPv4 address (URL Standard, "IPv4 parser")."""
    numbers = [_number(label) for label in host.split(".")]
    *first, last = numbers
    if len(numbers) > 4 or last is None or last >= 256 ** (4 - len(first)):
        return None
    value = last
    for place, number in enumerate(first):
        if number is None or number > 255:
            return None
        value += number << 8 * (3 - place)
    return str(ipaddress.IPv4Address(value))


def _number(label: str) -> int | None:
    """Return the value of a part of an IPv4 address; None if it is not a number."""
    if not _NUMBER.fullmatch(label):
        return None
    base, digits = (16, label[2:]) if label.startswith("0x") else (10, label)
    if base == 10 and len(label) > 1 and label.startswith("0"):
        if not _OCTAL.fullmatch(label):
            return None
        base = 8
    digits = digits.lstrip("0")
    return int(digits or "0", base) if len(digits) <= _MOST_DIGITS else 2**32


def _ipv6(text: str) -> str | None:
    if not text.endswith("]") or "%" in text:
        return None
    try:
        return f"[{ipv6_text(ipaddress.IPv6Address(text[1:-1]))}]"
    except ValueError:
        return None


def ipv6_text(address: ipaddress.IPv6Address) -> str:
    """Return an IPv6 address in its shortest form, the same under every version of Python."""
    text = ":".join(f"{int(address) >> shift & 0xFFFF:x}" for shift in range(112, -1, -16))
    run = max(_ZEROS.finditer(text), key=lambda zeros: len(zeros[0]), default=None)
    if run is None:
        return text
    return f"{text[: run.start()].rstrip(':')}::{text[run.end() :].lstrip(':')}"


def _a_labels(host: str) -> str:
    """Encode non-ASCII labels; the empty string where a character can't stand in a host."""
    import idna

    try:
        labels = idna.uts46_remap(host, std3_rules=False).split(".")
    except (idna.IDNAError, UnicodeError):
        return ""
    return ".".join(label if label.isascii() else _a_label(label) for label in labels)


def _a_label(label: str) -> str:
    # RFC 3492; emoji, which IDNA 2008 refuses and browsers open, are encoded too
    return "xn--" + label.encode("punycode").decode("ascii")
