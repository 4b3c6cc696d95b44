"""Vercel: its endpoint for pictures, outside of Next.js.

What: the platform scales a picture of its customer's site or of another one.

Grammar: `//HOST/_vercel/image?url=URL&w=WIDTH&q=QUALITY`, as in `nextjs`.

Ambiguities: those of `nextjs`.

Decision: key is that of URL, if its host is public.

Source: https://vercel.com/docs/image-optimization.
"""

from __future__ import annotations

from registry.urls.variants._parts import source_parameter

HINT = r"/_vercel/image/?\?"

_NAMES = frozenset({"w", "q", "dpl"})


def picture(key: str) -> str | None:
    """Return the key of the picture that is scaled."""
    return source_parameter(key, "/_vercel/image", _NAMES) if "/_vercel/image" in key else None
