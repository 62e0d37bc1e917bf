"""An entry in one line tells what changed, and how much of it is left out."""

from typing import Any

import pytest

from indelible.cli.output import one_line
from indelible.event import Actor, Entity, Organization
from indelible.summary import brief, summarize
from indelible.values import REDACTED
from tests.store.test_log import happened
from tests.world import World


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": {"new": 7}, "name": {"new": "Bob"}}, "name: Bob"),
        ({"name": {"new": "Bob"}, "note": {"new": None}, "code": {"new": ""}}, "name: Bob"),
        ({"name": {"new": "Bob"}, "password": {"new": REDACTED}}, "name: Bob and 1 more"),
        ({"name": {"new": "Bob"}, "made_at": {"new": "2026"}, "pin": {"new": REDACTED}}, "name: Bob and 2 more"),
        ({key: {"new": key} for key in "abcde"}, "a: a, b: b, c: c and 2 more"),
        ({key: {"new": key} for key in "abcde"} | {"pin": {"new": REDACTED}}, "a: a, b: b, c: c and 3 more"),
        ({key: {"old": 1, "new": 2} for key in "abcd"}, "a: 1 → 2, b: 1 → 2, c: 1 → 2 and 1 more"),
        ({"pin": {"old": REDACTED, "new": REDACTED}}, "pin: changed"),
        ({"pin": {"new": REDACTED}}, ""),
    ],
)
def test_what_is_left_is_counted_masked_or_not(world: World, changes: dict[str, Any], said: str) -> None:
    world.log.append([happened(entity=Entity("User", "7"), changes=changes)])
    assert summarize(world.log.entry(0)) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"team_id": {"new": 1, "new_name": "Crimson"}, "member_id": {"new": 1, "new_name": "Lee"}}, "member: Lee"),
        ({"id": {"new": 1}, "seats": {"new": 1}, "organization_id": {"new": 1}}, "seats: 1"),
        ({"owner_id": {"new": 1}}, "owner_id: 1"),
        ({"customer_id": {"new": 1, "new_name": "Acme"}}, ""),
    ],
)  # fmt: skip
def test_another_thing_of_the_same_number_is_not_left_out(world: World, changes: dict[str, Any], said: str) -> None:
    """Integer keys: a team, its organization and a member are each number 1."""
    thing, whose = Entity("Team", "1", "Crimson"), Organization("1", "Acme")
    world.log.append([happened(entity=thing, organization=whose, changes=changes)])
    assert summarize(world.log.entry(0)) == said


def test_a_value_is_cut_where_a_word_ends() -> None:
    assert brief("id, name, email, password, token, created_at, plan") == "id, name, email, password, token…"
    assert brief("x" * 50) == "x" * 39 + "…"
    assert brief("y" * 10 + " " + "x" * 50) == "y" * 10 + " " + "x" * 28 + "…"
    assert brief("x" * 40) == "x" * 40


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": {"old": "פעיל", "new": "מושעה"}}, "status: \u2068פעיל\u2069 → \u2068מושעה\u2069"),
        ({"حالة": {"new": "a"}, "b": {"new": "c"}}, "\u2068حالة\u2069: a, b: c"),
        ({"names": {"old": ["אב"], "new": ["Zoë, €"]}}, 'names: \u2068["אב"]\u2069 → ["Zoë, €"]'),
    ],
)
def test_text_that_reads_from_right_to_left_turns_nothing_beside_it_round(
    world: World, changes: dict[str, Any], said: str
) -> None:
    """Unicode's isolates stand around such a value and around no other: old stays before new."""
    world.log.append([happened(changes=changes)])
    assert summarize(world.log.entry(0)) == said


def test_a_line_for_a_terminal_keeps_its_order_whoever_acts(world: World) -> None:
    world.log.append([happened(actor=Actor(name="דנה"), entity=Entity("License", "1", "רישיון"))])
    line = one_line(world.log.entry(0))
    assert "  \u2068דנה\u2069  " in line
    assert "License \u2068רישיון\u2069" in line
