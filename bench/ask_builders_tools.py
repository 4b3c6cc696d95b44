"""Asks datadiligence about a list of URLs; run by bench/known_truth.py in the peers' environment.

    python ask_builders_tools.py URLS.json

Each URL is asked for with requests, as a downloader would; its headers and its file are given to
the evaluators. Prints a JSON list of what is allowed. Spawning's service is asked only with a key;
none is given here, since no request may leave the machine.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
import sys
import tempfile
from pathlib import Path


def main() -> None:
    # It prints that it has no key, and the values that it cannot parse.
    out, sys.stdout = sys.stdout, io.StringIO()
    logging.disable(logging.CRITICAL)
    requests, tool = map(importlib.import_module, ("requests", "datadiligence"))
    headers, files = tool.HttpEvaluator(), tool.FileEvaluator()
    allowed = []
    with tempfile.TemporaryDirectory() as folder, requests.Session() as session:
        path = Path(folder, "picture.jpg")
        for url in json.loads(Path(sys.argv[1]).read_text()):
            response = session.get(url, timeout=30)
            path.write_bytes(response.content)
            found = headers.is_allowed(headers=response.headers)
            allowed.append(bool(found and files.is_allowed(path=str(path))))
    print(json.dumps(allowed), file=out)


if __name__ == "__main__":
    main()
