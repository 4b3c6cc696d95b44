"""Every named query fits the schema, and every one is used."""

import re
from pathlib import Path

import psycopg
import pytest

import registry
from registry.db.sql import load

FOLDER = Path(registry.__file__).parent / "db" / "sql"
FILES = sorted(file.stem for file in FOLDER.glob("*.sql"))


def prepared(query: str) -> str:
    """Return the query with psycopg's named parameters as PostgreSQL's numbered ones."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", query)))
    numbered = re.sub(r"%\((\w+)\)s", lambda m: f"${names.index(m[1]) + 1}", query)
    return numbered.replace("%%", "%")


@pytest.mark.parametrize("file", FILES)
def test_every_query_fits_the_schema(file: str, conn: psycopg.Connection) -> None:
    queries = load(file)
    assert queries
    with conn.transaction():
        for name in sorted(queries, key=lambda name: not name.startswith("stage_")):
            if name.startswith("stage_"):
                conn.execute(queries[name])
            elif name.startswith("copy_"):
                with conn.cursor().copy(queries[name]):
                    pass
            else:
                conn.execute(f"PREPARE {file}_{name} AS {prepared(queries[name])}")


@pytest.mark.parametrize("file", FILES)
def test_every_query_is_used(file: str) -> None:
    users = [
        text
        for path in (FOLDER.parent).rglob("*.py")
        if f'load("{file}")' in (text := path.read_text(encoding="utf-8"))
    ]
    assert users, f"nobody loads {file}.sql"
    unused = [name for name in load(file) if not any(f'"{name}"' in text for text in users)]
    assert unused == []


def test_a_name_given_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "twice.sql").write_text("-- name: one\nSELECT 1\n\n-- name: one\nSELECT 2\n")
    monkeypatch.setattr("registry.db.sql.files", lambda _: tmp_path)
    with pytest.raises(ValueError, match="twice"):
        load("twice")
