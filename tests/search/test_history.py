"""What a thing was at any moment is what its table held then."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indelible.event import Entity, Organization
from indelible.search.history import difference, history, known
from tests.store.test_log import happened
from tests.world import World

DAY = datetime(2026, 11, 20, tzinfo=UTC)
COLUMNS = ("plan", "seats", "note")
values = st.none() | st.sampled_from(["free", "pro", "", "x" * 50]) | st.integers(-5, 5)
rows = st.fixed_dictionaries(dict.fromkeys(COLUMNS, values))
steps = st.lists(st.none() | rows, min_size=1, max_size=12)  # what the row is to be next; None: it is not to be there


@pytest.fixture
def world(file_world: World) -> World:
    file_world.watch("CREATE TABLE licenses (id INTEGER PRIMARY KEY, plan, seats, note)")
    return file_world


@settings(max_examples=40)
@given(after=steps)
def test_after_each_entry_it_is_what_the_row_was(world: World, after: list[dict[str, Any] | None]) -> None:
    """Captured from real statements, each in a transaction of its own."""
    key = world.log.head().size + 1
    there: dict[str, Any] | None = None
    held = []
    for row in after:
        if row is None and there is not None:
            world.run("DELETE FROM licenses WHERE id = ?", (key,))
        elif row is not None and there is None:
            world.run("INSERT INTO licenses VALUES (?, :plan, :seats, :note)".replace("?", str(key)), row)
        elif row is not None and row != there:
            world.run(f"UPDATE licenses SET plan = :plan, seats = :seats, note = :note WHERE id = {key}", row)
        else:
            continue
        there = row
        held.append(row)
    world.sealed()
    entries = list(history(world.log, "License", str(key)))
    assert len(entries) == len(held)
    for count, row in enumerate(held, 1):
        found = known(entries[:count])
        assert found.there == (row is not None)
        assert {name: found.fields.get(name) for name in COLUMNS} == (row or dict.fromkeys(COLUMNS))


def test_of_types_that_differ_in_a_slash_or_in_the_case_of_a_letter_each_has_its_own_things(world: World) -> None:
    things = [
        Entity("a/b", "c"),
        Entity("a", "b/c"),
        Entity("A", "b/c"),
        Entity("License", "1"),
        Entity("license", "1"),
    ]
    world.log.append([happened(entity=each, reason=str(number)) for number, each in enumerate(things)])
    for number, each in enumerate(things):
        assert [entry.reason for entry in history(world.log, each.type, each.id or "")] == [str(number)]
    assert [entry.reason for entry in history(world.log, "LICENSE", "1")] == ["3", "4"], (
        "no type has just these letters"
    )
    assert list(history(world.log, "a/b", "C")) == []
    acme, globex = Organization("acme", "Acme"), Organization("globex", "Globex")
    world.log.append([happened(entity=Entity("Invoice", "1"), organization=acme)])
    world.log.append([happened(entity=Entity("invoice", "1"), organization=globex)])
    assert len(list(history(world.log, "invoice", "1", organization="acme"))) == 1, "whatever another organization has"


def test_what_failed_or_was_refused_changed_nothing_and_nobody_comes_back_by_being_asked_for(world: World) -> None:
    lic, free = Entity("License", "9", "Pro seat"), {"plan": {"new": "free"}}
    pro = {"plan": {"old": "free", "new": "pro"}}
    told: list[tuple[str, str, Any, tuple[bool, dict[str, Any]]]] = [
        ("act", "failure", {}, (False, {})),
        ("create", "success", free, (True, {"plan": "free"})),
        ("update", "denied", pro, (True, {"plan": "free"})),
        ("delete", "denied", {}, (True, {"plan": "free"})),
        ("act", "success", {}, (True, {"plan": "free"})),
        ("delete", "success", {}, (False, {})),
        ("act", "success", {}, (False, {})),
        ("create", "failure", pro, (False, {})),
        ("baseline", "success", free, (True, {"plan": "free"})),
    ]
    for operation, outcome, changes, shown in told:
        world.log.append([happened(entity=lic, operation=operation, outcome=outcome, changes=changes)])
        found = known(history(world.log, "License", "9"))
        assert (found.there, found.fields, found.name) == (*shown, "Pro seat"), (operation, outcome)


def test_a_moment_lies_between_two_entries(world: World) -> None:
    lic = Entity("License", "9", "Pro seat")
    free, pro = {"plan": {"new": "free"}, "seats": {"new": 3}}, {"plan": {"old": "free", "new": "pro"}}
    happening = [
        ("create", free),
        ("update", pro),
        ("update", {"seats": {"old": 3}}),
        ("delete", {"plan": {"old": "pro"}}),
    ]
    world.log.append(
        happened(entity=lic, operation=operation, occurred_at=DAY + timedelta(hours=hour), changes=changes)
        for hour, (operation, changes) in enumerate(happening)
    )
    entries = list(history(world.log, "License", "9"))
    states = [known(entries, DAY + timedelta(minutes=minutes)) for minutes in (0, 1, 60, 61, 130, 200)]
    first = {"plan": "free", "seats": 3}
    assert [state.fields for state in states] == [{}, first, first, {"plan": "pro", "seats": 3}, {"plan": "pro"}, {}]
    assert [state.there for state in states] == [False, True, True, True, True, False]
    assert states[5].name == "Pro seat"
    assert difference(states[1], states[4]) == {"plan": {"old": "free", "new": "pro"}, "seats": {"old": 3}}
    assert difference(states[0], states[1]) == {"plan": {"new": "free"}, "seats": {"new": 3}}
    assert difference(states[1], states[2]) == {}


def test_an_organization_knows_nothing_of_another_one_s_things(world: World) -> None:
    for organization in ("acme", "globex"):
        world.log.append([happened(organization=Organization(organization), changes={"plan": {"new": organization}})])
    (entry,) = history(world.log, "License", "lic_9", organization="globex")
    assert entry.changes == {"plan": {"new": "globex"}}
    assert list(history(world.log, "License", "lic_9", organization="other")) == []


def test_the_database_s_own_value_is_known_as_it_is_spelled(world: World) -> None:
    world.run("INSERT INTO licenses VALUES (77, x'00ff', 9007199254740993, 'n')")
    world.sealed()
    fields = known(history(world.log, "License", "77")).fields
    assert fields["plan"] == {"bytes": "AP8="}
    assert fields["seats"] == {"integer": "9007199254740993"}
