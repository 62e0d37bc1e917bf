"""From a changed row to a business name: the map says it, the defaults say it where the map is silent."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indelible.actions import PAST, ActionMap, TableMap, action_prefix, entity_name
from indelible.errors import MapError
from indelible.event import ACTION, MAX_ACTION
from tests.world import World


@pytest.mark.parametrize(
    ("table", "entity", "action"),
    [
        ("licenses", "License", "LICENSE"),
        ("users", "User", "USER"),
        ("audit_log_entries", "AuditLogEntry", "AUDIT_LOG_ENTRY"),
        ("companies", "Company", "COMPANY"),
        ("addresses", "Address", "ADDRESS"),
        ("boxes", "Box", "BOX"),
        ("branches", "Branch", "BRANCH"),
        ("status", "Status", "STATUS"),
        ("business", "Business", "BUSINESS"),
        ("analysis", "Analysis", "ANALYSIS"),
        ("ties", "Tie", "TIE"),
        ("ApiKeys", "ApiKey", "API_KEY"),
        ("api-keys", "ApiKey", "API_KEY"),
        ("t", "T", "T"),
        ("s", "S", "S"),
        ("_S_", "S", "S"),
        ("2fa", "2fa", "T_2FA"),
        ("größe", "Größe", "GR_SSE"),
        ("🔑", "Table", "TABLE"),
        ("", "Table", "TABLE"),
    ],
)
def test_default_names(table: str, entity: str, action: str) -> None:
    assert (entity_name(table), action_prefix(entity_name(table))) == (entity, action)


@given(st.text())
@example("ß" * 64)
@example("aB" * 100)
@example("_" * 9)
@example("9" * 200)
@example("ŉ" * 70)
def test_whatever_a_table_is_called_its_actions_are_valid(table: str) -> None:
    named = ActionMap().table(table)
    assert named.entity
    for operation in PAST:
        action = named.resolve(operation, {}).action
        assert ACTION.fullmatch(action), action
        assert len(action) <= MAX_ACTION


@given(st.text(min_size=1, max_size=256))
def test_whatever_the_map_calls_an_entity_its_actions_are_valid(entity: str) -> None:
    action = ActionMap({"t": TableMap(entity=entity)}).table("t").resolve("create", {}).action
    assert ACTION.fullmatch(action)
    assert len(action) <= MAX_ACTION


RULES = """
[licenses]
entity = "License"
action = "LIC"
rule = [
    { action = "LIC_LOST", on = "delete", operation = "lose", outcome = "failure" },
    { action = "LIC_ASSIGNED", on = "update", column = "assignee", old_null = true },
    { action = "LIC_FREED", on = "update", column = "assignee", new_null = true },
    { action = "LIC_MOVED", on = "update", column = "assignee" },
    { action = "LIC_DOWNGRADED", on = "update", column = "plan", old = "pro", new = "free" },
    { action = "LIC_ENABLED", on = "update", column = "active", new = true },
    { action = "LIC_FILLED", on = "update", column = "seats", new = 10 },
    { action = "LIC_TRIED", on = "create", column = "plan", new = "trial" },
]
"""


@pytest.mark.parametrize(
    ("operation", "changes", "action"),
    [
        ("update", {"assignee": {"old": None, "new": "u"}}, "LIC_ASSIGNED"),
        ("update", {"assignee": {"old": "u", "new": None}}, "LIC_FREED"),
        ("update", {"assignee": {"old": "u", "new": "v"}}, "LIC_MOVED"),
        ("update", {"assignee": {"old": "u", "new": "v"}, "plan": {"old": "pro", "new": "free"}}, "LIC_MOVED"),
        ("update", {"plan": {"old": "pro", "new": "free"}}, "LIC_DOWNGRADED"),
        ("update", {"plan": {"old": "free", "new": "pro"}}, "LIC_UPDATED"),
        ("update", {"active": {"old": False, "new": True}}, "LIC_ENABLED"),
        ("update", {"active": {"old": True, "new": False}}, "LIC_UPDATED"),
        ("update", {"seats": {"old": 9, "new": 10}}, "LIC_FILLED"),
        ("update", {"seats": {"old": 9, "new": "10"}}, "LIC_UPDATED"),
        ("update", {"other": {"old": 9, "new": 10}}, "LIC_UPDATED"),
        ("create", {"plan": {"new": "trial"}}, "LIC_TRIED"),
        ("create", {"plan": {"new": "free"}}, "LIC_CREATED"),
        ("create", {}, "LIC_CREATED"),
        ("delete", {"plan": {"old": "pro"}}, "LIC_LOST"),
    ],
)
def test_of_the_rules_whose_conditions_hold_the_first_names_the_action(
    tmp_path: Path, operation: str, changes: dict[str, dict[str, Any]], action: str
) -> None:
    path = tmp_path / "map.toml"
    path.write_text(RULES)
    assert ActionMap.load(path).table("licenses").resolve(operation, changes).action == action


def test_a_rule_may_say_operation_and_outcome_too(world: World) -> None:
    world.watch("CREATE TABLE licenses (id INTEGER PRIMARY KEY, assignee, plan, active, seats)", map_text=RULES)
    world.run("INSERT INTO licenses (id) VALUES (1)")
    world.run("DELETE FROM licenses")
    entry = world.sealed()[1]
    assert (entry.action, entry.operation, entry.outcome) == ("LIC_LOST", "lose", "failure")


def test_names_and_references_are_copied_as_they_were(world: World) -> None:
    world.watch(
        "CREATE TABLE orgs (id TEXT PRIMARY KEY, title TEXT); CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT);"
        "CREATE TABLE seats (id INTEGER PRIMARY KEY, org TEXT, holder TEXT)",
        map_text='[orgs]\nname = "title"\norganization = "id"\n[users]\nname = "name"\n'
        '[seats]\norganization = "org"\nreferences = { holder = "User" }',
    )
    world.run("INSERT INTO orgs VALUES ('acme', 'Acme')")
    world.run("INSERT INTO users VALUES ('u1', 'Dana'), ('u2', 'Kim')")
    world.run("INSERT INTO seats VALUES (1, 'acme', 'u1')")
    world.run("UPDATE users SET name = 'Dana Lee' WHERE id = 'u1'")
    world.run("UPDATE seats SET holder = 'u2'")
    world.run("UPDATE seats SET holder = 'nobody'")
    entries = world.sealed()
    seated, _, moved, lost = entries[3:]
    assert (seated.organization and seated.organization.name) == "Acme"
    assert seated.changes["holder"] == {"new": "u1", "new_name": "Dana"}
    assert moved.changes["holder"] == {"old": "u1", "new": "u2", "old_name": "Dana Lee", "new_name": "Kim"}
    assert lost.changes["holder"] == {"old": "u2", "new": "nobody", "old_name": "Kim", "new_name": None}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[t", "is not TOML"),
        ("\xff", "is not TOML"),
        ("t = 1", "table [t]: this is a number, and is to be a table."),
        (
            "[t]\nentitty = 'x'",
            "table [t]: there is no key 'entitty'. There are: entity, action, id, name, ",
        ),
        (
            "[t]\nrule = [{ acton = 'A_B', on = 'update' }]",
            "rule 1: there is no key 'acton'. There are: action, on, ",
        ),
        ("[t]\nguard = ['x']", "table [t], guard 1: 'x' is none of: card, key, token."),
        ("[t]\nid = 1", "table [t], id: this is a number, and is to be a text or a list."),
        ("[t]\nreferences = { a = 1 }", "table [t], references: this is a number, and is to be a text."),
        ("[t]\nentity = 1", "table [t], entity: this is a number, and is to be a text."),
        ("[t]\nredact = 'x'", "table [t], redact: this is a text, and is to be a list."),
        ("[t]\naction = 'lic'", "table [t]: 'lic_CREATED' is not of the form ENTITY_PASTVERB"),
        ("[t]\naction = 'A" + "B" * 99 + "'", "of up to 100 characters"),
        ("[t]\nrule = [{ on = 'update' }]", "table [t], rule 1: the key 'action' is missing."),
        (
            "[t]\nrule = [{ action = 'A_B', on = 'upsert' }]",
            "table [t], rule 1, on: 'upsert' is none of: create, update, delete.",
        ),
        ("[t]\nrule = [{ action = 'assigned', on = 'update' }]", "table [t]: 'assigned' is not of the form"),
        (
            "[t]\nrule = [{ action = 'A_B', on = 'update', outcome = 'x' }]",
            "table [t], rule 1, outcome: 'x' is none of: success, failure, denied.",
        ),
        ("[t]\nexclude = ' '", "table [t]: `exclude` takes the reason"),
        ("[t]\nentity = '" + "x" * 300 + "'", "table [t]: `entity` has up to 256 characters"),
    ],
)
def test_a_map_that_cannot_be_read_names_the_table_and_the_key(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "map.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(MapError) as caught:
        ActionMap.load(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_map_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="cannot be read: No such file"):
        ActionMap.load(tmp_path / "none.toml")
