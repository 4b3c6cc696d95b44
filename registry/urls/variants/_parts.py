"""Parts of URL keys that several plug-ins read: the query, and a URL inside of a URL."""

from __future__ import annotations

from urllib.parse import unquote

from registry.urls.key import hostname_of, url_key
from registry.urls.networks import is_private

# Sizes of display advertisements (IAB, Display Advertising Guidelines). Of banners these are a
# part of the name: `sale-300x250.png` and `sale-728x90.png` are two pictures.
ADVERTISEMENTS = frozenset(
    {
        *("300x250", "336x280", "250x250", "200x200", "180x150", "728x90", "970x90", "970x250"),
        *("468x60", "234x60", "320x50", "300x50", "320x100", "120x600", "160x600", "300x600"),
        *("125x125", "120x240", "120x60", "88x31", "120x90", "300x1050", "240x400"),
    }
)


def has_only(query: str, names: frozenset[str]) -> bool:
    """Return whether every parameter of a query, which may be empty, has one of these names."""
    return not query or all(part.partition("=")[0] in names for part in query.split("&"))


def without_query(key: str, names: frozenset[str]) -> str | None:
    """Return a key without its query; None if a parameter has none of these names."""
    head, _, query = key.partition("?")
    return head if has_only(query, names) else None


def without_parameters(query: str, names: frozenset[str]) -> str:
    """Return a query, after its question mark, without the parameters of these names."""
    kept = [part for part in query.split("&") if part.partition("=")[0] not in names]
    return "?" + "&".join(kept) if any(kept) else ""


def value_of(query: str, name: str) -> str | None:
    """Return the value of a parameter as it is written; None if it is not there exactly once."""
    values = [part[len(name) + 1 :] for part in query.split("&") if part.startswith(f"{name}=")]
    return values[0] if len(values) == 1 else None


def decoded(text: str) -> str | None:
    """Return a text without percent-encoding; None if it is not UTF-8."""
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        # Replacement characters would make two addresses one.
        return None


def inner_key(url: str | None, host: str = "") -> str | None:
    """Return the key of the picture's URL that was in another URL, or of a path of `host`.

    None for a private host: `http://localhost/a.png` is another picture on every server.
    """
    if url is None:
        return None
    if host and url.startswith("/") and not url.startswith("//"):
        url = f"//{host}{url}"
    key = url_key(url)
    return None if key is None or is_private(hostname_of(key)) else key


def source_parameter(
    key: str, endpoint: str, names: frozenset[str], parameter: str = "url"
) -> str | None:
    """Return the key of the URL in a parameter of an endpoint that scales pictures.

    `endpoint` is the end of the path; `names` are the other parameters that it may have.
    """
    head, _, query = key.partition("?")
    if not head.removesuffix("/").endswith(endpoint) or not has_only(query, names | {parameter}):
        return None
    value = value_of(query, parameter)
    if not value:
        return None
    # In a query, a plus is a space (URL Standard, application/x-www-form-urlencoded).
    return inner_key(decoded(value.replace("+", " ")), key[2:].partition("/")[0])
