"""The JSON files beside the Arrow files that `datasets.save_to_disk` writes (pure).

`state.json` names the Arrow files of a dataset in their order (`_data_files`) and, in releases
before 1.18, files with the numbers of its rows (`_indices_data_files`). `dataset_info.json`
describes the columns and counts the rows of each split. `dataset_dict.json` names splits, each
with a folder of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

STATE, INFO, SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"
_FILES, _INDICES, _HISTORY = "_data_files", "_indices_data_files", "_inplace_history"


@dataclass(frozen=True, slots=True)
class State:
    """What `state.json` says: the names of files, and the name of the split."""

    files: Sequence[str]
    indices: Sequence[str]
    split: str | None


@dataclass(frozen=True, slots=True)
class Size:
    """What is kept of a split."""

    rows: int
    bytes: int


def state_of(content: bytes) -> State:
    """Return the state of a dataset. Raises ValueError."""
    state = _object(content)
    split = state.get("_split")
    names = [_file_names(state.get(key) or []) for key in (_FILES, _INDICES)]
    if not names[0]:
        raise ValueError("it names no files")
    return State(names[0], names[1], split if isinstance(split, str) else None)


def splits_of(content: bytes) -> list[str]:
    """Return the names of splits. Raises ValueError."""
    names = _object(content).get("splits")
    if not isinstance(names, list) or not names:
        raise ValueError("it names no splits")
    return list(dict.fromkeys(map(_safe_name, names)))


def kept_state(content: bytes, files: Sequence[str], fingerprint: str) -> str:
    """Return the state of a dataset of these files, whose rows are in their order."""
    state = _object(content)
    state[_FILES] = [{"filename": name} for name in files]
    state["_fingerprint"] = fingerprint
    if _INDICES in state:
        state[_INDICES] = []
    if _HISTORY in state:
        state[_HISTORY] = [{"transforms": []} for _ in files]
    return json.dumps(state, indent=2, sort_keys=True)


def kept_info(content: bytes, sizes: Mapping[str, Size]) -> str:
    """Return the description of a dataset with the sizes of these splits."""
    info = _object(content)
    splits = info.get("splits")
    if isinstance(splits, dict):
        for name, split in splits.items():
            if name in sizes and isinstance(split, dict):
                split |= {"num_examples": sizes[name].rows, "num_bytes": sizes[name].bytes}
                # These are lengths of files in a cache.
                for key in ("shard_lengths", "original_shard_lengths"):
                    split.pop(key, None)
        _count(info, splits)
    # Only the first level is sorted: features are in the order of the columns.
    return json.dumps({name: info[name] for name in sorted(info)}, indent=2)


def kept_splits(names: Sequence[str]) -> str:
    """Return the list of splits."""
    return json.dumps({"splits": list(names)})


def _count(info: dict[str, Any], splits: Mapping[str, Any]) -> None:
    """Correct the sizes of a whole dataset, where they are given."""
    sizes = [split.get("num_bytes") for split in splits.values() if isinstance(split, dict)]
    if isinstance(info.get("dataset_size"), int) and all(isinstance(n, int) for n in sizes):
        info["dataset_size"] = sum(sizes)
        if isinstance(info.get("size_in_bytes"), int):
            info["size_in_bytes"] = info["dataset_size"] + (info.get("download_size") or 0)


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _file_names(files: Any) -> list[str]:
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise ValueError("no list of files")
    return [_safe_name(file.get("filename")) for file in files]


def _safe_name(name: Any) -> str:
    """Return a name in the folder of the dataset."""
    if not isinstance(name, str) or name in ("", ".", "..") or {*name} & {*"/\\\0"}:
        raise ValueError("a name that is not one of its folder")
    return name
