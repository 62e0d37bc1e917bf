"""A secret's bytes are nowhere but in its own table; that it changed is recorded."""

import pytest

from indelible.errors import MapError
from tests.world import World

SECRET = "correct-horse-battery-staple"
CHANGED = "another-horse-another-staple"
REDACTED = {"redacted": True}
USERS = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, password_hash TEXT, pin TEXT)"
MAP = '[users]\nredact = ["pin"]'


def nowhere(world: World, *secrets: str) -> bool:
    """Not in the capture tables of the application's database, nor in any file of the log."""
    dump = "\n".join(line for line in world.db.iterdump() if "indelible_" in line).encode()
    files = [path.read_bytes() for path in world.folder.glob("audit.*")]
    return not any(secret.encode() in data for secret in secrets for data in (dump, *files))


@pytest.mark.parametrize("column", ["password_hash", "pin"])
def test_a_secret_never_leaves_its_table(world: World, column: str) -> None:
    world.watch(USERS, map_text=MAP)
    world.run(f"INSERT INTO users (id, {column}) VALUES (1, ?)", (SECRET,))
    world.run(f"UPDATE users SET {column} = ?", (CHANGED,))
    world.run("DELETE FROM users")
    assert nowhere(world, SECRET, CHANGED)
    create, update, delete = world.sealed()
    assert nowhere(world, SECRET, CHANGED)
    assert create.changes[column] == {"new": REDACTED}
    assert update.changes == {column: {"old": REDACTED, "new": REDACTED}}
    assert delete.changes[column] == {"old": REDACTED}


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (None, SECRET, {"old": None, "new": REDACTED}),
        (SECRET, None, {"old": REDACTED, "new": None}),
        (SECRET, SECRET.upper(), {"old": REDACTED, "new": REDACTED}),
        (SECRET, "", {"old": REDACTED, "new": REDACTED}),
        ("0", "1", {"old": REDACTED, "new": REDACTED}),
    ],
)
def test_that_a_secret_was_set_changed_or_removed_is_recorded(
    world: World, before: str | None, after: str | None, change: object
) -> None:
    world.watch(USERS.replace("pin TEXT", "pin TEXT COLLATE NOCASE"), map_text=MAP)
    world.run("INSERT INTO users (id, pin) VALUES (1, ?)", (before,))
    world.run("UPDATE users SET pin = ?", (after,))
    assert world.sealed()[1].changes == {"pin": change}


def test_a_secret_written_again_as_it_was_is_no_change(world: World) -> None:
    world.watch(USERS, map_text=MAP)
    world.run("INSERT INTO users VALUES (1, 'Dana', 'x', ?)", (SECRET,))
    world.run("UPDATE users SET pin = ?, name = 'Kim'", (SECRET,))
    assert world.sealed()[1].changes == {"name": {"old": "Dana", "new": "Kim"}}


@pytest.mark.parametrize(
    "column",
    ["password", "passwd", "Password", "user_passphrase", "client_secret", "token", "session_token", "private_key",
     "privatekey", "api_key", "APIKEY", "hash", "invitation_hash", "otp", "totp_seed", "credentials"],
)  # fmt: skip
def test_a_column_that_looks_like_a_secret_is_redacted_unasked(world: World, column: str) -> None:
    world.watch(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {column})")
    world.run("INSERT INTO t VALUES (1, ?)", (SECRET,))
    assert world.sealed()[0].changes[column] == {"new": REDACTED}
    assert nowhere(world, SECRET)


@pytest.mark.parametrize("place", ["name", "organization"])
def test_a_secret_cannot_give_every_entry_its_name(world: World, place: str) -> None:
    with pytest.raises(MapError, match="'pin' is ignored or redacted"):
        world.watch(USERS, map_text=MAP + f'\n{place} = "pin"')


@pytest.mark.parametrize("column", ["secretary_name", "footprint", "hashtag", "pinned", "tokenizer", "kept_token"])
def test_a_name_that_only_sounds_like_a_secret_is_kept(world: World, column: str) -> None:
    world.watch(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {column} TEXT)", map_text='[t]\nkeep = ["kept_token"]'
                if column == "kept_token" else "")  # fmt: skip
    world.run("INSERT INTO t VALUES (1, 'shown')")
    assert world.sealed()[0].changes[column] == {"new": "shown"}


@pytest.mark.parametrize(
    ("ddl", "map_text"),
    [
        ("CREATE TABLE sessions (token TEXT PRIMARY KEY, x)", ""),
        ("CREATE TABLE sessions (id TEXT, token TEXT, PRIMARY KEY (id, token)) WITHOUT ROWID", ""),
        ("CREATE TABLE sessions (number TEXT PRIMARY KEY, x)", '[sessions]\nredact = ["number"]'),
        ("CREATE TABLE sessions (id INTEGER PRIMARY KEY, x)", '[sessions]\nid = "x"\nredact = ["x"]'),
    ],
)
def test_a_secret_that_names_its_rows_is_refused(world: World, ddl: str, map_text: str) -> None:
    with pytest.raises(MapError, match="a secret cannot name its rows in the log"):
        world.watch(ddl, map_text=map_text)


@pytest.mark.parametrize(
    ("ddl", "map_text"),
    [
        ("CREATE TABLE sessions (token TEXT PRIMARY KEY, x)", '[sessions]\nid = "token"'),
        ("CREATE TABLE sessions (token TEXT PRIMARY KEY, x)", '[sessions]\nid = "x"'),
        ("CREATE TABLE sessions (token_id INTEGER PRIMARY KEY, x)", ""),
        ("CREATE TABLE sessions (token TEXT PRIMARY KEY, x)", '[sessions]\nexclude = "short-lived"'),
    ],
)
def test_the_ways_out_that_the_refusal_names_work(world: World, ddl: str, map_text: str) -> None:
    assert world.watch(ddl, map_text=map_text) == ([] if "exclude" in map_text else ["sessions"])
