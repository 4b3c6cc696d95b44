"""The dataset in Croissant 1.0, a JSON-LD form of MLCommons, with the result of its check (pure).

The result is an extension under a vocabulary of its own, `optout:`. What is not known of a
dataset, such as its licence and creator, is left out: nothing is invented.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from registry.checking.reports import facts
from registry.text import visible

if TYPE_CHECKING:
    from registry.checking.report import Report

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
NAMESPACE = "urn:optout-registry:check:1#"
# More files are described by the endings of their names.
MOST_FILES = 100
# Types of media by ending, as readers of Croissant know them.
MEDIA = {
    ".parquet": "application/x-parquet",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".ndjson": "application/jsonlines",
    ".tar": "application/x-tar",
    ".zip": "application/zip",
    ".arrow": "application/vnd.apache.arrow.file",
    ".feather": "application/vnd.apache.arrow.file",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
}
_OTHER = "application/octet-stream"
# Formats of which readers of Croissant find a column by its name.
_TABLES = frozenset({"parquet", "csv", "jsonl"})
_PLAIN = (
    *("citeAs", "column", "dataType", "extract", "field", "fileProperty", "fileObject", "fileSet"),
    *("format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path"),
    *("recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator"),
    *("source", "subField", "transform", "equivalentProperty"),
)


@dataclass(frozen=True, slots=True)
class DescribedFile:
    """One file of the dataset: its name as others are to find it, its size, its digest."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What a dataset consists of. `suffixes` counts its files by ending, if they are not listed.

    `folder` is the folder of these, "" if others could not find it by that name. `columns` are
    the columns with their types in Croissant.
    """

    files: Sequence[DescribedFile]
    suffixes: Counter[str]
    folder: str
    columns: Mapping[str, str]


def to_croissant(report: Report, contents: Contents) -> dict[str, Any]:
    """Return the description as values of JSON. The same report gives the same values."""
    distribution = _distribution(contents)
    described = {
        "@context": _context(),
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": _name(report.dataset),
        "description": f"{visible(report.dataset)}: a dataset of {report.tally.rows:,} rows, "
        "described by a check for reservations of rights against AI training.",
        "distribution": distribution,
        "recordSet": _record_sets(report.format, contents, distribution),
        "optout:check": _result(report),
    }
    return {name: value for name, value in described.items() if value}


def _context() -> dict[str, Any]:
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "sc": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "dct": "http://purl.org/dc/terms/",
        "conformsTo": "dct:conformsTo",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
        **{name: f"cr:{name}" for name in _PLAIN if name != "dataType"},
        "optout": NAMESPACE,
    }


def _name(dataset: str) -> str:
    """Return a name without characters that readers refuse."""
    return re.sub(r"[^\w .()-]+", "_", visible(dataset)).strip("_ ") or "dataset"


def _distribution(contents: Contents) -> list[dict[str, Any]]:
    if contents.files:
        return [
            {
                "@type": "cr:FileObject",
                "@id": f"file-{number}",
                "name": _name(one.name),
                # As it is: readers of Croissant open it as a path beside the description.
                "contentUrl": visible(one.name),
                "contentSize": f"{one.size} B",
                "encodingFormat": media(one.name),
                "sha256": one.sha256,
            }
            for number, one in enumerate(contents.files)
        ]
    folder = f"{visible(contents.folder)}/" if contents.folder else ""
    return [
        {
            "@type": "cr:FileSet",
            "@id": f"files-{number}",
            "name": f"{count} files",
            # Some readers want a folder for two asterisks, others none.
            "includes": [f"{folder}*{suffix}", f"{folder}**/*{suffix}"],
            "encodingFormat": media(suffix),
        }
        for number, (suffix, count) in enumerate(sorted(contents.suffixes.items()))
    ]


def media(name: str) -> str:
    """Return the type of a file's content by its name."""
    ending = name[name.rfind(".") :].lower() if "." in name else ""
    return MEDIA.get(ending, _OTHER)


def _record_sets(
    format_: str, contents: Contents, distribution: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the rows with their columns, if they are in one file of a table's format."""
    if format_ not in _TABLES or len(distribution) != 1:
        return []
    if distribution[0]["encodingFormat"] == _OTHER:
        return []
    kind = "fileObject" if contents.files else "fileSet"
    place = {kind: {"@id": distribution[0]["@id"]}}
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"rows/{quote(name, safe='', errors='backslashreplace')}",
            "name": _name(name),
            "dataType": type_,
            "source": {**place, "extract": {"column": name}},
        }
        for name, type_ in contents.columns.items()
        # Readers take a column without a name for none at all.
        if name
    ]
    rows = {"@type": "cr:RecordSet", "@id": "rows", "name": "rows", "field": fields}
    return [rows] if fields else []


def _result(report: Report) -> dict[str, Any]:
    """Return the result of the check under the vocabulary of the extension."""
    result: dict[str, Any] = {"@type": "optout:Check", "@id": "optout-check"}
    for name, value in facts.as_values(report).items():
        if value is not None:
            counts = _counts(value) if isinstance(value, Mapping) else value
            result[f"optout:{_camel(name)}"] = counts
    result["optout:stateOfFiles"] = report.files.state
    result["optout:meaning"] = facts.NO_PERMISSION
    return result


def _counts(rows: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {"@type": "optout:Count", "optout:name": visible(name), "optout:rows": count}
        for name, count in rows.items()
    ]


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
