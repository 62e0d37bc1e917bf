"""What leaves is read back exactly by the programs that people hand it to, whatever was in the database."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from indelible.event import read
from indelible.export import FORMATS, write
from indelible.search.page import lines
from indelible.search.query import Query
from tests.capture.test_values_kept import HOSTILE
from tests.world import World

TEXTS = [
    "=1+1", "a,b", 'say "hi"', "line\nbreak\r\n", "\r", "'", "\ufeffx", "\u2028", "]}\n", " ", "\x7f", "NA", "1e5",
    "0007", "nan", "\\N", "é\x00z", "🔑",
]  # fmt: skip
Rows = list[dict[str, str]]


@pytest.fixture
def hostile(world: World) -> World:
    """Each value that capture is tried with, as a row's; and texts that are something in CSV, as its name."""
    world.watch("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, x)", map_text='[things]\nname = "name"')
    for number, (value, _) in enumerate(HOSTILE):
        world.run("INSERT INTO things VALUES (?, ?, ?)", (number, TEXTS[number % len(TEXTS)], value))
    world.sealed()
    return world


def exported(world: World, form: str, folder: Path) -> Path:
    path = folder / f"out.{form}"
    path.write_bytes(b"".join(write([list(lines(world.log, Query()))], FORMATS[form], world.log.origin)))
    return path


def by_python(path: Path) -> Rows:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))


def by_pandas(path: Path) -> Rows:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def by_duckdb(path: Path) -> Rows:
    found = duckdb.execute("SELECT * FROM read_csv($1, all_varchar = true, header = true)", [str(path)])
    names = [name for name, *_ in found.description]
    return [{name: value or "" for name, value in zip(names, row, strict=True)} for row in found.fetchall()]


@pytest.mark.parametrize("reader", [by_python, by_pandas, by_duckdb])
@pytest.mark.parametrize("form", ["csv", "csv-raw"])
def test_csv(hostile: World, tmp_path: Path, reader: Callable[[Path], Rows], form: str) -> None:
    rows = reader(exported(hostile, form, tmp_path))
    entries = [read(line) for _, _, line in hostile.log.leaves(0, 10**6)]
    assert [int(row["seq"]) for row in rows] == [entry.seq for entry in entries]
    for row, entry in zip(rows, entries, strict=True):
        assert json.loads(row["changes"]) == entry.changes
        if form == "csv-raw":
            assert row["entity_name"] == (entry.entity.name or "")


def json_by_python(path: Path) -> list[Any]:
    text = path.read_text()
    return json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.split("\n")[:-1]]


def json_by_pandas(path: Path) -> list[Any]:
    """Its own reader of JSON rounds floats in their last digits, as it says; all else it has as it is."""
    own = pd.read_json(path, lines=path.suffix == ".jsonl", dtype=False)
    frame = pd.DataFrame(json_by_python(path))
    same = own["changes"] == frame["changes"]
    assert {type(change["x"]["new"]) for change in frame["changes"][~same]} <= {float}
    return list(frame.to_dict("records"))


def json_by_duckdb(path: Path) -> list[Any]:
    """The entry as the file has it: what it is made of is `JSON` to it."""
    found = duckdb.execute("SELECT json::VARCHAR FROM read_json_objects($1)", [str(path)]).fetchall()
    return [json.loads(text) for (text,) in found]


@pytest.mark.parametrize("reader", [json_by_python, json_by_pandas, json_by_duckdb])
@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json(hostile: World, tmp_path: Path, reader: Callable[[Path], list[Any]], form: str) -> None:
    found = reader(exported(hostile, form, tmp_path))
    stored = [json.loads(line) for _, _, line in hostile.log.leaves(0, 10**6)]
    assert [entry["changes"] for entry in found] == [entry["changes"] for entry in stored]
    assert [entry["entity"] for entry in found] == [entry["entity"] for entry in stored]
