"""Asks datadiligence and img2dataset, in their own virtual environment; JSON lines in and out.

A case is `{"headers": [[name, value]], "agent", "file", "answer"}`: the header lines
of an image's response, the product token of the agent that asks, the path of the image, and
the answer of Spawning's API. The output is the versions, then one line for each case with the
answer of every peer: `refused`, `not refused`, or `error: NAME`. A line `{"time": [cases]}` is
answered with the seconds that each peer takes for the headers of these cases.
Imports are by name, since the imported modules are no part of this project.
"""

from __future__ import annotations

import email.message
import email.parser
import http.client
import importlib
import importlib.util
import io
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, patch

Case = dict[str, Any]

# Modules that img2dataset/downloader.py imports to fetch, resize and write. Its function
# `is_disallowed` uses none of it, and it would bring gigabytes.
STAND_INS = ("exifread", "pyarrow", "fsspec", "img2dataset", "img2dataset.logger")
# The default of img2dataset's `download`; that of its `user_agent_token` is None.
DISALLOWED = ["noai", "noimageai", "noindex", "noimageindex"]

# SpawningAPI sends requests only if there is a key; here no request leaves this process.
os.environ["SPAWNING_OPTS_KEY"] = "none"
requests = importlib.import_module("requests")
collections = importlib.import_module("urllib3._collections")
datadiligence = importlib.import_module("datadiligence")


def downloader() -> ModuleType:
    """Return the one module of img2dataset that reads headers, without its other imports."""
    package = importlib.util.find_spec("img2dataset")
    assert package is not None
    assert package.submodule_search_locations is not None
    path = os.path.join(package.submodule_search_locations[0], "downloader.py")
    spec = importlib.util.spec_from_file_location("img2dataset.downloader", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with patch.dict(sys.modules, {name: MagicMock() for name in STAND_INS}):
        spec.loader.exec_module(module)
    return module


def message(case: Case) -> email.message.Message:
    """Return the headers as urllib gives them, which reads at most a hundred."""
    text = "".join(f"{name}: {value}\r\n" for name, value in case["headers"]) + "\r\n"
    plain = text.encode("utf-8", "replace").decode("iso-8859-1")
    return email.parser.Parser(_class=http.client.HTTPMessage).parsestr(plain)


def mapping(case: Case) -> Any:
    """Return the headers as requests gives them: lines of one name are joined."""
    joined = collections.HTTPHeaderDict(message(case).items())
    return requests.structures.CaseInsensitiveDict(joined)


def allowed_by_headers(headers: Any, agent: str | None) -> bool:
    return bool(datadiligence.HttpEvaluator(user_agent=agent).is_allowed(headers=headers))


def allowed_by_datadiligence(case: Case, headers: Any) -> bool:
    """Return its evaluators' answer; each gets the part of the case that it can read."""
    found = allowed_by_headers(headers, case["agent"])
    if case.get("file"):
        found = datadiligence.FileEvaluator().is_allowed(path=case["file"]) and found
    if case.get("answer") is not None:
        reply = SimpleNamespace(status_code=200, json=lambda: json.loads(case["answer"]))
        with patch.object(requests.Session, "post", return_value=reply):
            evaluator = datadiligence.PreprocessEvaluator(user_agent=case["agent"])
            found = all(evaluator.is_allowed(urls=[case["url"]])) and found
    return bool(found)


def said(allowed: Callable[[], bool]) -> str:
    try:
        return "not refused" if allowed() else "refused"
    except Exception as error:  # noqa: BLE001 (any error of a peer is an answer to report)
        return f"error: {type(error).__name__}"


def answers(case: Case, is_disallowed: Callable[..., bool]) -> Mapping[str, object]:
    lines, agent = message(case), case["agent"]
    return {
        "datadiligence": said(lambda: allowed_by_datadiligence(case, mapping(case))),
        "datadiligence, urllib": said(lambda: allowed_by_datadiligence(case, lines)),
        "img2dataset": said(lambda: not is_disallowed(lines, agent, DISALLOWED)),
        "img2dataset, noai alone": said(lambda: not is_disallowed(lines, agent, DISALLOWED[:2])),
    }


def seconds(cases: list[Case], is_disallowed: Callable[..., bool]) -> Mapping[str, object]:
    """Return the seconds of one pass over headers that were parsed before."""
    agents = {case["agent"] for case in cases}
    evaluators = {agent: datadiligence.HttpEvaluator(user_agent=agent) for agent in agents}
    pairs = [(mapping(case), evaluators[case["agent"]]) for case in cases]
    messages = [(message(case), case["agent"]) for case in cases]
    started = time.perf_counter()
    for headers, evaluator in pairs:
        evaluator.is_allowed(headers=headers)
    between = time.perf_counter()
    for lines, agent in messages:
        is_disallowed(lines, agent, DISALLOWED)
    ended = time.perf_counter()
    return {"datadiligence": between - started, "img2dataset": ended - between}


def main() -> None:
    # Both peers log and print the values that they cannot parse.
    logging.disable(logging.CRITICAL)
    out, sys.stdout = sys.stdout, io.StringIO()
    is_disallowed = downloader().is_disallowed
    names = ("datadiligence", "img2dataset", "c2pa-python", "requests")
    print(json.dumps({name: metadata.version(name) for name in names}), file=out, flush=True)
    for line in sys.stdin:
        case = json.loads(line)
        timed = case.get("time")
        found = seconds(timed, is_disallowed) if timed else answers(case, is_disallowed)
        print(json.dumps(found), file=out, flush=True)


if __name__ == "__main__":
    main()
