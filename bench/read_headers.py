"""Reading the header lines of image responses: blocks a second on one core.

    .venv/bin/python -m bench.read_headers [--runs N]

Blocks of 12 lines through `registry.signals.read`, each with a URL of its own:
without a mark, with one `X-Robots-Tag`, with lines of several vocabularies,
and with values that were never seen before. Prints medians of processor time.
"""

from __future__ import annotations

import argparse
import statistics
import time

from registry.model import Evidence
from registry.signals import read

COUNT = 20_000
PLAIN = (
    ("Content-Type", "image/jpeg"),
    ("Content-Length", "182734"),
    ("Last-Modified", "Tue, 10 Jun 2025 10:00:00 GMT"),
    ("ETag", '"5f3a-1b2c"'),
    ("Cache-Control", "public, max-age=31536000"),
    ("Server", "nginx"),
    ("Accept-Ranges", "bytes"),
    ("Access-Control-Allow-Origin", "*"),
    ("Vary", "Accept"),
    ("Strict-Transport-Security", "max-age=63072000"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)
NOAI = ("X-Robots-Tag", "noai, noimageai")
SEVERAL = (NOAI, ("tdm-reservation", "1"), ("Content-Usage", "train-ai=n"))


def blocks() -> dict[str, list[Evidence]]:
    """Return the evidence to read, by a name for its marks."""
    kinds = {
        "no mark": lambda n: PLAIN,
        "one X-Robots-Tag": lambda n: (*PLAIN[:-1], NOAI),
        "three vocabularies": lambda n: (*PLAIN[:-3], *SEVERAL),
        "values all different": lambda n: (*PLAIN[:-1], ("X-Robots-Tag", f"bot{n}: noai, noai")),
    }
    return {
        kind: [
            Evidence("headers", "image", f"https://a.example/{n}.jpg", lines=lines(n))
            for n in range(COUNT)
        ]
        for kind, lines in kinds.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    for kind, pieces in blocks().items():
        times = []
        for _ in range(options.runs):
            started = time.process_time()
            for piece in pieces:
                read(piece)
            times.append(time.process_time() - started)
        each = statistics.median(times) / COUNT
        found = len(read(pieces[0]).signals)
        print(f"{kind:24}{found:3} signals{each * 1e6:8.1f} us{1 / each:12,.0f} blocks/s")


if __name__ == "__main__":
    main()
