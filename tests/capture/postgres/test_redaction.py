"""On PostgreSQL too a secret's bytes are nowhere but in its own table; that it changed is recorded."""

from contextlib import closing
from typing import Any

import pytest

from indelible.capture.postgres.source import PostgresSource
from indelible.errors import MapError
from tests.capture.postgres.world import PostgresWorld
from tests.capture.test_guard import CLEAR, SECRETS

REDACTED = {"redacted": True}
USERS = "CREATE TABLE users (id int PRIMARY KEY, name text, email text, pin text, note text)"
MAP = '[users]\nredact = ["pin"]\nhash = ["email"]\nguard = ["card", "key", "token"]\n'
SECRET, OTHER = "correct-horse-battery", "another-horse-staple"


def nowhere(world: PostgresWorld, *secrets: str) -> bool:
    """Not in what capture keeps in the application's database, nor in any file of the log."""
    kept = world.db.execute(
        "SELECT coalesce((SELECT json_agg(o) FROM indelible.outbox o)::text, '')"
        " || (SELECT json_agg(w) FROM indelible.watch w)::text"
    ).fetchone()
    files = [path.read_bytes() for path in world.folder.glob("audit.db*")]
    return not any(secret.encode() in data for secret in secrets for data in (str(kept).encode(), *files))


def insert(world: PostgresWorld, **columns: Any) -> None:
    names = ", ".join(columns)
    world.run(f"INSERT INTO users ({names}) VALUES ({', '.join(['%s'] * len(columns))})", tuple(columns.values()))


def test_a_redacted_value_never_leaves_its_table(world: PostgresWorld) -> None:
    world.watch(USERS, map_text=MAP)
    insert(world, id=1, pin=SECRET)
    world.run("UPDATE users SET pin = %s", (OTHER,))
    world.run("UPDATE users SET pin = %s, name = 'Kim'", (OTHER,))
    world.run("DELETE FROM users")
    assert nowhere(world, SECRET, OTHER)
    create, changed, same, delete = world.sealed()
    assert nowhere(world, SECRET, OTHER)
    assert create.changes["pin"] == {"new": REDACTED}
    assert changed.changes == {"pin": {"old": REDACTED, "new": REDACTED}}
    assert same.changes == {"name": {"old": None, "new": "Kim"}}
    assert delete.changes["pin"] == {"old": REDACTED}


def test_of_many_rows_those_whose_secret_changed_are_told(world: PostgresWorld) -> None:
    world.watch(USERS, map_text=MAP)
    world.run("INSERT INTO users (id, pin) SELECT i, 'pin ' || i FROM generate_series(1, 5) i")
    world.run("UPDATE users SET pin = CASE WHEN id < 3 THEN 'new' ELSE pin END")
    assert sorted(e.entity.id for e in world.sealed()[5:]) == ["1", "2"]
    assert nowhere(world, "pin 1", "new'")


def test_columns_with_names_as_long_as_can_be_are_told_apart(world: PostgresWorld) -> None:
    one, other = "p" * 62 + "1", "p" * 62 + "2"
    world.watch(f"CREATE TABLE t (id int PRIMARY KEY, {one} text, {other} text)", map_text='[t]\nredact = ["p*"]')
    world.run("INSERT INTO t VALUES (1, 'a', 'b')")
    world.run(f"UPDATE t SET {other} = 'c'")
    assert list(world.sealed()[1].changes) == [other]


def test_equal_values_are_seen_to_be_equal_where_they_are_hashed(world: PostgresWorld) -> None:
    world.watch(USERS, map_text=MAP)
    for number, email in enumerate((SECRET, OTHER, SECRET)):
        insert(world, id=number, email=email)
    one, two, three = (entry.changes["email"]["new"] for entry in world.sealed())
    assert one.keys() == {"hashed"}
    assert one == three != two
    assert nowhere(world, SECRET, OTHER)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_in_a_text_is_hidden_and_its_neighbours_are_not(world: PostgresWorld, name: str) -> None:
    world.watch(USERS, map_text=MAP)
    insert(world, id=1, name="Dana", note=SECRETS[name])
    world.run("UPDATE users SET note = note || '!'")
    assert nowhere(world, SECRETS[name])
    create, update = world.sealed()
    assert create.changes["note"] == {"new": REDACTED}
    assert create.changes["name"] == {"new": "Dana"}
    assert update.changes == {"note": {"old": REDACTED, "new": REDACTED}}


@pytest.mark.parametrize("name", CLEAR)
def test_what_is_no_secret_is_recorded_as_it_is(world: PostgresWorld, name: str) -> None:
    world.watch(USERS, map_text=MAP)
    insert(world, id=1, note=CLEAR[name])
    assert world.sealed()[0].changes["note"] == {"new": CLEAR[name]}


def test_rows_from_before_are_redacted_too(world: PostgresWorld) -> None:
    world.db.execute(USERS)
    insert(world, id=1, pin=SECRET, email=OTHER, note=SECRETS["a card"])
    world.watch_all(map_text=MAP)
    assert nowhere(world, SECRET, OTHER, SECRETS["a card"])
    (baseline,) = [entry for entry in world.sealed() if entry.operation == "baseline"]
    assert (baseline.changes["pin"], baseline.changes["note"]) == ({"new": REDACTED}, {"new": REDACTED})


RENAMED = {"pin": "p", "email": "e", "password": "words", "pin, in place of another": "name"}


@pytest.mark.parametrize("column", RENAMED)
def test_what_was_hidden_is_so_under_another_name(world: PostgresWorld, column: str) -> None:
    world.watch(USERS.replace("note text", "note text, password text"), map_text=MAP)
    old, new = column.split(",", maxsplit=1)[0], RENAMED[column]
    world.run("ALTER TABLE users RENAME COLUMN name TO other")
    world.run(f"ALTER TABLE users RENAME COLUMN {old} TO {new}")
    world.run(f"ALTER TABLE users RENAME COLUMN other TO {'name' if new != 'name' else old}")
    for _ in range(2):
        with closing(PostgresSource(world.app_url)) as source:
            source.watch(None, None)
    insert(world, id=1, **{new: SECRET}, note="seen")
    world.run(f"UPDATE users SET {new} = %s", (OTHER,))
    assert world.sealed()[-2].changes["note"] == {"new": "seen"}
    assert nowhere(world, SECRET, OTHER)
    assert [each.state for each in world.covered()] == ["watched"]


@pytest.mark.parametrize("between", ["", 'exclude = "Not now."', 'hash = ["email"]\nignore = ["pin"]', "unwatch"])
def test_a_map_that_would_reveal_what_was_renamed_has_to_say_so(world: PostgresWorld, between: str) -> None:
    world.watch(USERS, map_text=MAP)
    if between == "unwatch":
        world.unwatch("users")
    elif between:
        world.watch(map_text=f"[users]\n{between}")
    world.run("ALTER TABLE users RENAME COLUMN pin TO p")
    with pytest.raises(MapError, match="'p' was redacted until now"):
        world.watch(map_text='[users]\nhash = ["email"]')
    world.watch(map_text='[users]\nhash = ["email"]\nkeep = ["p"]')
