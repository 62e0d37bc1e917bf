"""What leaves is what is in the log: the bytes in JSON Lines, the values elsewhere, harmless in a spreadsheet."""

import csv
import io
import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indelible.event import Actor, Context, Entity, Organization, read, seal
from indelible.export import FORMATS, write
from indelible.export.csv import COLUMNS, safe
from indelible.search.page import lines
from indelible.search.query import Query
from tests.store.test_log import happened
from tests.test_event import full
from tests.world import World

HOSTILE = st.text() | st.sampled_from(
    [
        "=1+1",
        "\x7f",
        "a,b",
        'say "hi"',
        "line\nbreak",
        "\r\n",
        "'",
        "\ufeff",
        "\0",
        "\u2028",
        "]}\n",
        "\x85",
        "é",
        "",
        " ",
        ";",
    ]
)
ACTOR = ("type", "id", "name", "email")
CONTEXT = ("source", "ip", "user_agent", "request_id", "transaction_id")
events = st.builds(
    full,
    entity=st.builds(Entity, HOSTILE.filter(bool), HOSTILE.filter(bool), HOSTILE),
    actor=st.builds(Actor, id=HOSTILE, name=HOSTILE, email=HOSTILE),
    organization=st.none() | st.builds(Organization, HOSTILE, HOSTILE), reason=st.none() | HOSTILE,
    context=st.builds(
        Context, source=HOSTILE, ip=HOSTILE, user_agent=HOSTILE, request_id=HOSTILE, transaction_id=HOSTILE
    ),
    changes=st.dictionaries(HOSTILE, st.fixed_dictionaries({"new": HOSTILE}), max_size=3),
)  # fmt: skip


def logged(entries: list[Any]) -> list[bytes]:
    return [seal(event, seq)[0] for seq, event in enumerate(entries)]


def table(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


@given(st.lists(events, max_size=5))
def test_json_lines_are_the_bytes_of_the_log_and_json_holds_the_same_values(entries: list[Any]) -> None:
    stored = logged(entries)
    assert b"".join(write([stored], FORMATS["jsonl"])) == b"".join(line + b"\n" for line in stored)
    assert json.loads(b"".join(write([stored], FORMATS["json"]))) == [json.loads(line) for line in stored]


@settings(max_examples=50)
@given(st.lists(events, max_size=5))
def test_csv_reads_back_cell_by_cell_whatever_is_in_it(entries: list[Any]) -> None:
    rows = table(b"".join(write([logged(entries)], FORMATS["csv"])))
    assert len(rows) == len(entries)
    for seq, (row, event) in enumerate(zip(rows, entries, strict=True)):
        assert tuple(row) == COLUMNS
        assert (row["seq"], UUID(row["id"])) == (str(seq), event.id)
        assert row["entity_name"] == safe(event.entity.name or "")
        assert row["organization_id"] == safe(event.organization.id if event.organization else "")
        assert row["reason"] == safe(event.reason or "")
        assert [row[name] for name in CONTEXT] == [safe(getattr(event.context, name)) for name in CONTEXT]
        assert [row[f"actor_{name}"] for name in ACTOR] == [safe(getattr(event.actor, name)) for name in ACTOR]
        assert json.loads(row["changes"]) == read(seal(event, seq)[0]).changes


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("", ""),
        ("plain", "plain"),
        ("=1+1", "'=1+1"),
        ("+49 30 1", "'+49 30 1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1", "' =1"),
        ("\t=1", "'\t=1"),
        ("\n=1", "'\n=1"),
        ("\u00a0=1", "'\u00a0=1"),
        ("\r=1", "\ufffd=1"),
        ("\x00=1", "\ufffd=1"),
        ("\ufeff=1", "\ufffd=1"),
        ("a=1", "a=1"),
        ("a\x1b[31mb", "a\ufffd[31mb"),
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("x;=HYPERLINK(1)", "x;'=HYPERLINK(1)"),
        ("x; @SUM(1)", "x; '@SUM(1)"),
        ("two\nlines", "two\nlines"),
        ("dana@acme.test", "dana@acme.test"),
    ],
)
def test_no_cell_is_a_formula_or_drives_a_terminal(cell: str, shown: str) -> None:
    assert safe(cell) == shown


@given(HOSTILE)
def test_a_cell_never_starts_as_a_formula_does(text: str) -> None:
    assert not safe(text).lstrip().startswith(("=", "+", "-", "@"))


def test_csv_ends_its_lines_as_rfc_4180_says_and_an_empty_one_has_its_head() -> None:
    assert b"".join(write([], FORMATS["csv"])) == ",".join(COLUMNS).encode() + b"\r\n"
    assert b"".join(write([logged([full()])], FORMATS["csv"])).count(b"\r\n") == 2
    assert b"".join(write([], FORMATS["json"])) == b"[\n\n]\n"
    assert b"".join(write([], FORMATS["jsonl"])) == b""


def test_an_export_is_streamed_in_chunks_and_not_gathered() -> None:
    line = seal(full(reason="x" * 1000), 0)[0]
    for name in FORMATS:
        taken = 0

        def endless() -> Any:
            nonlocal taken
            while True:
                taken += 1
                yield [line]

        chunk = next(write(endless(), FORMATS[name]))
        assert 64 * 1024 <= len(chunk) < 128 * 1024
        assert taken < 100


def test_the_export_of_a_log_is_its_lines(world: World) -> None:
    world.log.append(happened(reason=reason) for reason in ("a", "b\nc", "=d"))
    stored = [line for _, _, line in world.log.leaves(0, 3)]
    assert b"".join(write([list(lines(world.log, Query()))], FORMATS["jsonl"])).split(b"\n") == [*stored, b""]
