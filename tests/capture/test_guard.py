"""A secret in a text is known by its look, in the trigger: it never leaves its table, and its neighbours are seen."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indelible.actions import ActionMap
from indelible.errors import MapError
from tests.world import World

REDACTED = {"redacted": True}
EVERY = '["*"]\nguard = ["card", "key", "token"]\n'
T = "CREATE TABLE t (id INTEGER PRIMARY KEY, note TEXT, x, other TEXT)"
CARD = "4111 1111 1111 1111"

SECRETS = {
    "a card": "4111111111111111",
    "a card in groups": CARD,
    "a card with dashes in a sentence": "She paid with 5500-0055-5555-5559, she says.",
    "a card behind another number": "order 12 3782 822463 10005",
    "a card with an umlaut before it": "für 6011111111111117",
    "a card of 13 digits": "4222222222222",
    "a card of 19 digits": "6304000000000000000",
    "a private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
    "a payment key": "sk_live_51HabcdefghijklmnopQRST",
    "a test key": "key: sk_test_51HabcdefghijklmnopQRST.",
    "a restricted key": "rk_live_51HabcdefghijklmnopQRST",
    "a forge token": "ghp_" + "aB3" * 12,
    "a fine-grained forge token": "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz",
    "a cloud key": "AKIAIOSFODNN7EXAMPLE",
    "a chat token": "xoxb-123456789012-abcdefghijkl",
    "a maps key": "AIza" + "SyD-9" * 7,
    "a web token": "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
}
CLEAR = {
    "a card mistyped": "4111 1111 1111 1112",
    "a moment in milliseconds": "1796571600000",
    "a long number": "41111111111111111111111",
    "a phone number": "+49 30 901820 1234",
    "a uuid": "550e8400-e29b-41d4-a716-446655440000",
    "digits inside a word": "x4111111111111111y",
    "an e-mail address": "dana.lee@acme.example.test",
    "a public key": "-----BEGIN PUBLIC KEY-----",
    "a word like a key": "task_live_show",
    "a moment": "2026-11-25T02:15:16.123456+00:00",
    "two dashes between": "4111--1111--1111--1111",
}


def nowhere(world: World, *secrets: str) -> bool:
    """Not in the capture tables of the application's database, nor in any file of the log."""
    dump = "\n".join(line for line in world.db.iterdump() if "indelible_" in line).encode()
    files = [path.read_bytes() for path in world.folder.glob("audit.db*")]
    return not any(secret.encode() in data for secret in secrets for data in (dump, *files))


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_hidden_and_its_neighbours_are_not(world: World, name: str) -> None:
    world.watch(T, map_text=EVERY)
    world.run("INSERT INTO t VALUES (1, ?, ?, 'a longer text, seen')", (SECRETS[name], SECRETS[name]))
    assert nowhere(world, SECRETS[name])
    (entry,) = world.sealed()
    assert nowhere(world, SECRETS[name])
    assert entry.changes == {
        "id": {"new": 1}, "note": {"new": REDACTED}, "x": {"new": REDACTED}, "other": {"new": "a longer text, seen"},
    }  # fmt: skip


def test_a_secret_is_hidden_in_a_table_of_as_many_columns_as_can_be_watched(world: World) -> None:
    names = [f"c{number}" for number in range(899)]
    world.watch(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {', '.join(names)})", map_text=EVERY)
    world.run(f"INSERT INTO t (id, {', '.join(names)}) VALUES (1, {', '.join(['?'] * 899)})", ("seen",) * 899)
    world.run("UPDATE t SET c0 = 'a longer text, seen', c898 = ?", (SECRETS["a card"],))
    *_, entry = world.sealed()
    assert entry.changes["c898"] == {"old": "seen", "new": REDACTED}
    assert entry.changes["c0"]["new"] == "a longer text, seen"


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_hidden_in_a_database_of_utf_16_too(world: World, name: str) -> None:
    world.watch(f"PRAGMA encoding = 'UTF-16le'; {T}", map_text=EVERY)
    assert world.db.execute("PRAGMA encoding").fetchone() == ("UTF-16le",)
    world.run("INSERT INTO t VALUES (1, ?, NULL, 'a longer text, seen')", (SECRETS[name],))
    (entry,) = world.sealed()
    assert (entry.changes["note"], entry.changes["other"]) == ({"new": REDACTED}, {"new": "a longer text, seen"})


@pytest.mark.parametrize("name", CLEAR)
def test_what_only_resembles_a_secret_is_seen(world: World, name: str) -> None:
    world.watch(T, map_text=EVERY)
    world.run("INSERT INTO t VALUES (1, ?, ?, NULL)", (CLEAR[name], CLEAR[name]))
    (entry,) = world.sealed()
    assert (entry.changes["note"], entry.changes["x"]) == ({"new": CLEAR[name]}, {"new": CLEAR[name]})


def test_that_a_secret_came_changed_and_went_is_recorded(world: World) -> None:
    world.watch(T, map_text=EVERY)
    world.run("INSERT INTO t VALUES (1, 'a plain note', 7, NULL)")
    for note in (CARD, CARD, "4222222222222", "plain again", None, CARD):
        world.run("UPDATE t SET note = ?, other = ifnull(other, 0) + 1", (note,))
    world.run("UPDATE t SET x = ?", (CARD,))
    world.run("UPDATE t SET x = 0")
    world.run("DELETE FROM t")
    entries = world.sealed()
    assert nowhere(world, CARD, "4222222222222")
    assert [entry.changes.get("note") for entry in entries[1:7]] == [
        {"old": "a plain note", "new": REDACTED},
        None,
        {"old": REDACTED, "new": REDACTED},
        {"old": REDACTED, "new": "plain again"},
        {"old": "plain again", "new": None},
        {"old": None, "new": REDACTED},
    ]
    assert [entry.changes["x"] for entry in entries[7:9]] == [{"old": 7, "new": REDACTED}, {"old": REDACTED, "new": 0}]
    assert entries[9].changes["note"] == {"old": REDACTED}


@pytest.mark.parametrize("value", [4111111111111111, b"4111111111111111", 1.5, None, ""], ids=repr)
def test_only_texts_are_looked_at(world: World, value: object) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, x)", map_text=EVERY)
    world.run("INSERT INTO t VALUES (1, ?)", (value,))
    assert world.sealed()[0].changes["x"]["new"] != REDACTED


def test_an_evicted_secret_is_hidden_too(world: World) -> None:
    world.watch("CREATE TABLE t (a TEXT UNIQUE, n TEXT)", map_text=EVERY)
    world.run("INSERT INTO t VALUES ('one', ?)", (CARD,))
    world.run("INSERT OR IGNORE INTO t VALUES ('one', 'stays staged')")
    assert nowhere(world, CARD)
    world.run("REPLACE INTO t VALUES ('one', 'clear')")
    world.run("REPLACE INTO t VALUES ('one', ?)", (CARD,))
    _, first, second, _, third = world.sealed()
    assert [first.operation, first.changes["n"]] == ["delete", {"old": REDACTED}]
    assert second.changes["n"] == {"new": "clear"}
    assert third.changes["n"] == {"new": REDACTED}
    assert nowhere(world, CARD)


def test_rows_without_a_key_are_known_where_secrets_are_looked_for_too(world: World) -> None:
    ddl = "CREATE TABLE t (a TEXT UNIQUE, n TEXT)"
    world.watch_all(f"{ddl}; INSERT INTO t VALUES ('one', '{CARD}'), ('two', 'clear')", map_text=EVERY)
    world.run("REPLACE INTO t VALUES ('one', 'clear')")
    world.run("UPDATE OR REPLACE t SET a = 'one' WHERE a = 'two'")
    told = [(entry.operation, entry.entity.id) for entry in world.sealed()]
    baseline, evicted = [("baseline", "1"), ("baseline", "2")], [("delete", "1"), ("create", "3"), ("delete", "3")]
    assert told[1:] == [*baseline, *evicted, ("update", "2")]


def test_a_key_is_never_hidden_and_a_hidden_name_is_none(world: World) -> None:
    world.watch("CREATE TABLE t (id TEXT PRIMARY KEY, label TEXT)", map_text=EVERY + '[t]\nname = "label"')
    world.run("INSERT INTO t VALUES ('4111111111111111', ?)", (CARD,))
    (entry,) = world.sealed()
    assert (entry.entity.id, entry.entity.name) == ("4111111111111111", None)
    assert nowhere(world, CARD)


def test_a_table_may_look_for_less_or_nothing(world: World) -> None:
    world.watch(
        "CREATE TABLE cards (id INTEGER PRIMARY KEY, x TEXT); CREATE TABLE keys (id INTEGER PRIMARY KEY, x TEXT)",
        map_text=EVERY + '[cards]\nguard = ["key"]\n[keys]\nguard = []',
    )
    world.run("INSERT INTO cards VALUES (1, ?)", (CARD,))
    world.run("INSERT INTO keys VALUES (1, ?)", (SECRETS["a cloud key"],))
    assert [entry.changes["x"]["new"] for entry in world.sealed()] == [CARD, SECRETS["a cloud key"]]


def test_a_very_long_text_is_looked_through(world: World) -> None:
    world.watch(T, map_text=EVERY)
    filler = "4111111111111112 and other words. " * 2000
    world.run("INSERT INTO t VALUES (1, ?, ?, ?)", (filler, f"{filler}{CARD}", "word " * 200_000))
    changes = world.sealed()[0].changes
    assert (changes["note"]["new"]["size"] > 16_000, changes["x"]["new"]) == (True, REDACTED)
    assert changes["other"]["new"]["size"] == 1_000_002


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B, word by word."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


@settings(max_examples=300)
@given(digits=st.from_regex(r"\A[2-6][0-9]{10,20}\Z"), good=st.booleans())
def test_the_check_digit_decides(world: World, digits: str, good: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    if not world.db.execute("SELECT 1 FROM sqlite_master").fetchone():
        world.watch(T, map_text=EVERY)
    if good:
        digits = next(digits[:-1] + last for last in "0123456789" if luhn(digits[:-1] + last))
    world.run("DELETE FROM t")
    world.run("INSERT INTO t (note) VALUES (?)", (digits,))
    query = "SELECT hidden FROM indelible_outbox WHERE operation = 'create' ORDER BY id DESC LIMIT 1"
    (hidden,) = world.db.execute(query).fetchone()
    assert (hidden == ",n1,") == (13 <= len(digits) <= 19 and luhn(digits))


@pytest.mark.parametrize(
    ("map_text", "column", "shown"),
    [
        ('[t]\nredact = ["*_note"]', "My_Note", REDACTED),
        ('[t]\nredact = ["*_note"]', "note", "seen"),
        ('["*"]\nredact = ["*note*", "absent"]', "footnotes", REDACTED),
        ('["*"]\nredact = ["NOTE"]', "note", REDACTED),
        ('["*"]\nredact = ["note"]\n[t]\nkeep = ["note"]', "note", "seen"),
        ('["*"]\nkeep = ["*_token"]', "kept_token", "seen"),
        ('[t]\nkeep = ["*"]\nredact = ["note"]', "note", REDACTED),
    ],
)
def test_columns_are_redacted_by_patterns(world: World, map_text: str, column: str, shown: object) -> None:
    ddl = f"CREATE TABLE t (id INTEGER PRIMARY KEY, {column} TEXT)"
    world.watch(ddl, map_text=map_text)
    world.run("INSERT INTO t VALUES (1, 'seen')")
    assert world.sealed()[0].changes[column] == {"new": shown}


@pytest.mark.parametrize(
    ("map_text", "message"),
    [
        (
            '[t]\nhash = ["note"]',
            r"table \[t\], hash: SQLite has no hash function, and 'note' must not leave its table",
        ),
        ('[t]\nredact = ["n?te"]', r"there is no column 'n\?te'"),
        ('[t]\nhash = ["absent"]', r"table \[t\], hash: there is no column 'absent'"),
        ('[t]\nhash = ["note"]\nname = "note"', "'note' is ignored or redacted"),
        ('[t]\nguard = ["cards"]', r"'cards' is none of: card, key, token"),
        ('["*"]\nname = "note"', r'table \["\*"\]: it has redact, keep and guard'),
        ('[t]\neverywhere = ["note"]', "`everywhere` is no key"),
    ],
)
def test_a_map_that_cannot_be_kept_is_refused_and_nothing_was_written(
    world: World, map_text: str, message: str
) -> None:
    with pytest.raises(MapError, match=message):
        world.watch(T, map_text=map_text)
    assert [name for (name,) in world.db.execute("SELECT name FROM sqlite_master")] == ["t"]


def test_everywhere_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(EVERY)
    assert ActionMap.load(path).names() == set()
