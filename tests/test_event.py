"""The line: its bytes are frozen, it always fits, and it always reads back."""

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import RFC_4122, UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.errors import EventError
from indelible.event import (
    MAX_LINE,
    Actor,
    Context,
    Entity,
    Event,
    Organization,
    clip,
    derive_id,
    micros,
    read,
    rfc3339,
    seal,
)  # fmt: skip
from indelible.values import DEPTH, LARGE, spell

GOLDEN = (
    '{"v":1,"seq":48212,"id":"0192f3c1-7c1e-7b7a-9d0e-3f0c5b1a2e44","action":"LICENSE_ASSIGNED","operation":"update",'
    '"occurred_at":"2026-11-20T09:14:03.512345Z","actor":{"type":"user","id":"u_42","name":"Dana Lee",'
    '"email":"dana@acme.test","on_behalf_of":{"type":"user","id":"u_1","name":null,"email":null}},'
    '"entity":{"type":"License","id":"lic_9","name":"Pro seat 9"},"organization":{"id":"org_7","name":"Acme"},'
    '"changes":{"assignee_id":{"old":null,"new":"u_77","new_name":"Kim"}},"outcome":"success","reason":"Onboarding",'
    '"context":{"source":"portal","ip":"203.0.113.9","user_agent":"Größe/1","request_id":"r","transaction_id":"t"},'
    '"metadata":{"a":1}}'
)
LEAST = (
    '{"v":1,"seq":0,"id":"00000000-0000-0000-0000-000000000000","action":"A_B","operation":"create",'
    '"occurred_at":"0001-01-01T00:00:00.000000Z","actor":{"type":"unknown","id":null,"name":null,"email":null},'
    '"entity":{"type":"T","id":"1","name":null},"organization":null,"changes":{},"outcome":"success","reason":null,'
    '"context":{},"metadata":{}}'
)
KEYS = [
    "v", "seq", "id", "action", "operation", "occurred_at", "actor", "entity", "organization", "changes", "outcome",
    "reason", "context", "metadata",
]  # fmt: skip


def full(**fields: Any) -> Event:
    given_: dict[str, Any] = {
        "action": "LICENSE_ASSIGNED", "operation": "update", "entity": Entity("License", "lic_9", "Pro seat 9"),
        "occurred_at": datetime(2026, 11, 20, 9, 14, 3, 512345, UTC),
        "actor": Actor(id="u_42", name="Dana Lee", email="dana@acme.test", on_behalf_of=Actor(id="u_1")),
        "id": UUID("0192f3c1-7c1e-7b7a-9d0e-3f0c5b1a2e44"), "organization": Organization("org_7", "Acme"),
        "changes": {"assignee_id": {"old": None, "new": "u_77", "new_name": "Kim"}}, "reason": "Onboarding",
        "context": Context(
            source="portal", ip="203.0.113.9", user_agent="Größe/1", request_id="r", transaction_id="t"
        ), "metadata": {"a": 1},
    }  # fmt: skip
    return Event(**(given_ | fields))


def test_the_golden_line_is_frozen() -> None:
    assert seal(full(), 48212) == (GOLDEN.encode(), [])


def test_the_least_line_is_frozen() -> None:
    event = Event(
        action="A_B", operation="create", entity=Entity("T", "1"), occurred_at=datetime.min.replace(tzinfo=UTC),
        actor=Actor.unknown(), id=UUID(int=0),
    )  # fmt: skip
    assert seal(event, 0) == (LEAST.encode(), [])


def test_the_golden_line_reads_back() -> None:
    entry = read(GOLDEN.encode())
    assert (entry.seq, entry.actor.name, entry.context.user_agent) == (48212, "Dana Lee", "Größe/1")
    assert entry.changes["assignee_id"]["new_name"] == "Kim"


texts = st.text(max_size=20)
sides = st.one_of(
    texts, st.none(), st.integers(), st.floats(), st.binary(max_size=30),
    st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=3), st.integers(1, 30_000)),
).map(spell)  # fmt: skip
changes = st.dictionaries(texts, st.fixed_dictionaries({}, optional={"old": sides, "new": sides}), max_size=8)
json_values: st.SearchStrategy[Any] = st.recursive(
    texts | st.integers(-(2**53), 2**53), lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=5
)
events = st.builds(
    full,
    entity=st.builds(Entity, st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20), texts),
    organization=st.none() | st.builds(Organization, texts, texts), changes=changes, reason=st.none() | texts,
    metadata=st.dictionaries(texts, json_values), context=st.builds(Context, source=texts, user_agent=texts),
)  # fmt: skip


@given(events, st.integers(0, 2**63 - 1))
def test_every_line_fits_reads_back_and_has_its_keys_in_order(event: Event, seq: int) -> None:
    line, kept = seal(event, seq)
    assert len(line) <= MAX_LINE
    assert b"\n" not in line
    assert list(json.loads(line)) == KEYS
    entry = read(line)
    assert (entry.seq, entry.entity, entry.organization, entry.reason) == (
        seq, event.entity, event.organization, event.reason,
    )  # fmt: skip
    assert whole(entry.changes, kept) == msgspec.json.decode(msgspec.json.encode(event.changes))


def whole(changed: Any, kept: list[Any]) -> Any:
    """The changes with what was set aside put back in its place."""
    aside = {each.hash.hex(): each for each in kept}
    for each in kept:
        assert hashlib.sha256(each.nonce + each.value).digest() == each.hash
    return {
        column: {
            side: msgspec.json.decode(aside[v["sha256"]].value) if isinstance(v, dict) and "sha256" in v else v
            for side, v in change.items()
        }
        for column, change in changed.items()
    }


def test_only_what_is_large_is_set_aside() -> None:
    exact = "x" * (LARGE - 2)  # with its quotes
    for text, aside in ((exact, 0), (exact + "x", 1)):
        assert len(seal(full(changes={"a": {"new": text}}), 0)[1]) == aside


def test_a_line_that_would_be_too_long_sets_the_largest_aside_first() -> None:
    columns = {f"c{i}": {"old": "o" * 10_000, "new": "n" * (10_000 + i)} for i in range(5)}
    line, kept = seal(full(changes=columns), 0)
    assert len(line) <= MAX_LINE
    assert {len(each.value) - 2 for each in kept} == {10_004, 10_003, 10_002, 10_001}


def test_hundreds_of_small_columns_become_one_value() -> None:
    columns = {f"column_{i}": {"new": "v" * 900} for i in range(100)}
    line, (kept,) = seal(full(changes=columns), 0)
    entry = read(line)
    assert (entry.changes, entry.metadata["set_aside"]["sha256"]) == ({}, kept.hash.hex())
    assert msgspec.json.decode(kept.value) == {"changes": columns, "metadata": {"a": 1}}


@pytest.mark.parametrize(
    "fields",
    [{"reason": "x" * MAX_LINE}, {"reason": "\ud800"}, {"metadata": {"a": object()}}],
)
def test_what_has_no_line_is_refused_as_an_event(fields: dict[str, Any]) -> None:
    with pytest.raises(EventError):
        seal(full(**fields), 0)


def nested(depth: int, within: Any = 1) -> Any:
    for _ in range(depth):
        within = [within]
    return within


def test_what_every_reader_of_json_can_read_is_taken_and_no_more_whatever_python_would_read() -> None:
    deepest = {
        "changes": {"x": {"old": nested(DEPTH), "new": {"a": nested(DEPTH - 1)}}},
        "metadata": {"a": nested(DEPTH - 1)},
    }
    line, _ = seal(full(**deepest), 0)
    assert read(line).changes == deepest["changes"]
    for changes, metadata in (({"x": {"new": nested(DEPTH + 1)}}, {}), ({}, {"a": nested(DEPTH)})):
        with pytest.raises(EventError, match=f"{'changes' if changes else 'metadata'}: a value is nested more than 50"):
            seal(full(changes=changes, metadata=metadata), 0)


def test_what_is_set_aside_is_nested_no_deeper() -> None:
    with pytest.raises(EventError, match="changes: a value is nested more than 50"):
        seal(full(changes={"x": {"new": nested(DEPTH + 1, "x" * LARGE)}}), 0)


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b"\xff", GOLDEN.encode()[:-1], GOLDEN.encode() + b"}", b"null"])
def test_bytes_that_are_no_entry_are_one_error(line: bytes) -> None:
    with pytest.raises(EventError, match="line: these bytes are not an entry"):
        read(line)


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=13)), timezone(-timedelta(hours=9))]))
       .filter(lambda at: 1 < at.year < 9999))  # fmt: skip
def test_a_moment_is_exact_to_the_microsecond(at: datetime) -> None:
    assert datetime.fromisoformat(rfc3339(at)) == at
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros(at)) == at


@given(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)), st.lists(st.text(), min_size=1))  # noqa: DTZ001
def test_a_derived_id_is_a_version_7_uuid_of_its_time_and_always_the_same(at: datetime, source: list[str]) -> None:
    id_ = derive_id(at, *source)
    assert id_ == derive_id(at, *source)
    assert (id_.version, id_.variant) == (7, RFC_4122)
    assert id_.int >> 80 == micros(at) // 1000


def test_ids_of_different_sources_differ() -> None:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    assert len({derive_id(at, *source) for source in (("a", "b"), ("b", "a"), ("ab",), ("a", "b", ""), ("a",))}) == 5


@given(st.text(st.characters(codec=None, exclude_categories=[])), st.integers(1, 50))
def test_a_clipped_text_fits_and_is_utf8(text: str, limit: int) -> None:
    clipped = clip(text, limit)
    assert clipped is not None
    assert len(clipped) <= limit
    clipped.encode()
