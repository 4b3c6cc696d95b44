"""Next.js: its image component's endpoint.

What: a server scales a picture of its own site or of another one.

Grammar: `//HOST/[BASE/]_next/image?url=URL&w=WIDTH&q=QUALITY[&dpl=DEPLOYMENT]`. URL is a
percent-encoded URL or a path of HOST.

Ambiguities: URL may name a private host (`http://strapi:1337/...`), which is another server on
every site.

Decision: key is that of URL, if its host is public.

Source: https://nextjs.org/docs/app/api-reference/components/image; Next.js,
`packages/next/src/server/image-optimizer.ts`.
"""

from __future__ import annotations

from registry.urls.variants._parts import source_parameter

HINT = r"/_next/image/?\?"

_NAMES = frozenset({"w", "q", "dpl"})


def picture(key: str) -> str | None:
    """Return the key of the picture that is scaled."""
    return source_parameter(key, "/_next/image", _NAMES) if "/_next/image" in key else None
