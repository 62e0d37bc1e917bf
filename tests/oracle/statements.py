"""What is done: templates of statements, and small pools of values so that rows meet each other often."""

from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.capture_torture.model import Engine
from tests.capture_torture.pending import CASCADED, EVICTIONS

NOTES = "UNIQUE INDEX notes_some ON notes (lower(name)) WHERE about IS NULL"
SCHEMA: dict[Engine, str] = {
    "sqlite": f"""
        CREATE TABLE orgs (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE UNIQUE, n INTEGER);
        CREATE TABLE users (id TEXT, org INTEGER REFERENCES orgs ON DELETE CASCADE ON UPDATE CASCADE, name TEXT,
          n REAL, PRIMARY KEY (org, id)) WITHOUT ROWID;
        CREATE INDEX users_name ON users (name);
        CREATE TABLE notes (id INTEGER PRIMARY KEY, about INTEGER REFERENCES notes ON DELETE SET NULL, name TEXT,
          long TEXT AS (name || '!') STORED);
        CREATE {NOTES if CASCADED else "INDEX notes_about ON notes (about)"};
        CREATE TRIGGER orgs_noted AFTER UPDATE OF n ON orgs WHEN NEW.n > 5
          BEGIN UPDATE notes SET name = NEW.name WHERE id = NEW.id; END;
    """,
    "postgres": """
        CREATE TABLE orgs (id integer PRIMARY KEY, name text UNIQUE, n bigint);
        CREATE TABLE users (id text, org integer REFERENCES orgs ON DELETE CASCADE ON UPDATE CASCADE, name text,
          n double precision, PRIMARY KEY (org, id));
        CREATE TABLE notes (id integer PRIMARY KEY, about integer REFERENCES notes ON DELETE SET NULL, name text,
          long text GENERATED ALWAYS AS (name || '!') STORED);
        CREATE UNIQUE INDEX notes_some ON notes (lower(name)) WHERE about IS NULL;
        CREATE TABLE parts (id integer, kind text, name text, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
        CREATE TABLE parts_u PARTITION OF parts FOR VALUES IN ('u');
        CREATE TABLE parts_other PARTITION OF parts DEFAULT;
        CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN UPDATE notes SET name = NEW.name WHERE id = NEW.id; RETURN NULL; END $$;
        CREATE TRIGGER orgs_noted AFTER UPDATE OF n ON orgs FOR EACH ROW WHEN (NEW.n > 5) EXECUTE FUNCTION noted();
    """,
}

POOLS: dict[str, tuple[Any, ...]] = {
    "id": (1, 2, 3, 4, 5),
    "user": ("u", "v"),
    "name": ("a", "A", "b", "B ", "", None, "é", "x" * 300),
    "number": (None, 0, 1, -1, 2**40, 7, 2**53 + 1),
}


@dataclass(frozen=True)
class Template:
    sql: str
    pools: tuple[str, ...]

    def draw(self, random: Random) -> tuple[str, tuple[Any, ...]]:
        return self.sql, tuple(random.choice(POOLS[pool]) for pool in self.pools)

    def strategy(self) -> st.SearchStrategy[tuple[str, tuple[Any, ...]]]:
        values = st.tuples(*(st.sampled_from(POOLS[pool]) for pool in self.pools))
        return st.tuples(st.just(self.sql), values)


def _templates(*told: str) -> list[Template]:
    """`?name` stands for a value of that pool."""
    return [_template(sql) for sql in told]


def _template(sql: str) -> Template:
    first, *rest = sql.split("?")
    pools = [next(pool for pool in sorted(POOLS, key=len, reverse=True) if part.startswith(pool)) for part in rest]
    return Template(
        first + "".join(f"?{part.removeprefix(pool)}" for part, pool in zip(rest, pools, strict=True)), tuple(pools)
    )


CONTROL = _templates("SAVEPOINT s", "ROLLBACK TO s", "RELEASE s", "COMMIT", "ROLLBACK")
BOTH = _templates(
    "INSERT INTO orgs VALUES (?id, ?name, ?number)",
    "INSERT INTO orgs VALUES (?id, ?name, ?number), (?id, ?name, ?number)",
    "INSERT INTO orgs VALUES (?id, ?name, ?number) ON CONFLICT (id) DO UPDATE SET n = excluded.n",
    "INSERT INTO orgs VALUES (?id, ?name, ?number) ON CONFLICT (name) DO UPDATE SET id = excluded.id",
    "INSERT INTO orgs VALUES (?id, ?name, ?number), (?id, ?name, ?number) ON CONFLICT DO NOTHING",
    "INSERT INTO users VALUES (?user, ?id, ?name, ?number)",
    "INSERT INTO users VALUES (?user, ?id, ?name, ?number) ON CONFLICT (org, id) DO UPDATE SET name = excluded.name",
    "INSERT INTO users SELECT 'w', id, name, n FROM orgs WHERE id < ?id",
    "INSERT INTO notes (id, about, name) VALUES (?id, ?id, ?name)",
    "INSERT INTO notes (id, name) VALUES (?id, ?name) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
    "UPDATE orgs SET name = ?name, n = n + 1 WHERE id = ?id",
    "UPDATE orgs SET id = ?id WHERE id = ?id",
    "UPDATE orgs SET id = 9 - id",
    "UPDATE orgs SET n = n",
    "UPDATE users SET name = ?name, n = -n WHERE org > ?id",
    "UPDATE users SET name = (SELECT name FROM orgs WHERE orgs.id = org)",
    "UPDATE users SET n = orgs.n FROM orgs WHERE orgs.id = users.org AND users.id = ?user",
    "UPDATE notes SET about = ?id WHERE id = ?id",
    "UPDATE notes SET name = ?name",
    "DELETE FROM orgs WHERE id = ?id",
    "DELETE FROM users WHERE org >= ?id",
    "DELETE FROM notes WHERE id = ?id",
    "DELETE FROM users",
    "DELETE FROM orgs",
)
IGNORES = _templates(
    "INSERT OR IGNORE INTO orgs VALUES (?id, ?name, ?number), (?id, ?name, ?number)",
    "INSERT OR IGNORE INTO users VALUES (?user, ?id, ?name, ?number)",
    "INSERT OR FAIL INTO orgs VALUES (?id, ?name, ?number), (?id, ?name, ?number)",
    "INSERT OR ROLLBACK INTO users VALUES (?user, ?id, ?name, ?number)",
    "UPDATE OR IGNORE orgs SET name = ?name WHERE id >= ?id",
    "UPDATE OR IGNORE orgs SET id = ?id WHERE id = ?id",
    "UPDATE OR FAIL orgs SET name = ?name WHERE id > ?id",
)
REPLACES = _templates(
    "INSERT OR REPLACE INTO orgs VALUES (?id, ?name, ?number)",
    "REPLACE INTO orgs VALUES (?id, ?name, ?number), (?id, ?name, ?number)",
    "REPLACE INTO orgs SELECT id + 1, name, n FROM orgs WHERE id < ?id",
    "REPLACE INTO users VALUES (?user, ?id, ?name, ?number)",
    "REPLACE INTO notes (id, about, name) VALUES (?id, NULL, ?name)",
    "UPDATE OR REPLACE orgs SET name = ?name WHERE id >= ?id",
    "UPDATE OR REPLACE orgs SET id = ?id WHERE id = ?id",
    "UPDATE OR REPLACE users SET id = 'u'",
    "UPDATE OR REPLACE notes SET about = NULL, name = ?name",
)
POSTGRES = _templates(
    "TRUNCATE notes",
    "TRUNCATE orgs CASCADE",
    "TRUNCATE parts_u",
    "INSERT INTO parts VALUES (?id, ?user, ?name) ON CONFLICT DO NOTHING",
    "INSERT INTO parts_u VALUES (?id, 'u', ?name)",
    "UPDATE parts SET kind = ?user",
    "UPDATE parts SET name = ?name WHERE id = ?id",
    "DELETE FROM parts_other",
    "DELETE FROM users USING orgs WHERE orgs.id = users.org AND orgs.n > 0",
    "MERGE INTO orgs USING notes AS s ON orgs.id = s.id WHEN MATCHED AND s.name = 'a' THEN DELETE "
    "WHEN MATCHED THEN UPDATE SET name = s.name WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.name, 0)",
    "WITH gone AS (DELETE FROM notes WHERE id = ?id RETURNING id, name) INSERT INTO orgs SELECT id, name, 0 FROM gone",
    "WITH one AS (UPDATE orgs SET n = 1 WHERE id = ?id) UPDATE orgs SET n = 2",
    "SET LOCAL extra_float_digits = -5",
    "SET LOCAL session_replication_role = replica",
    "SET LOCAL session_replication_role = origin",
)
# Without the capture of evictions, SQLite must be told to run the triggers itself.
PRAGMAS = _templates("PRAGMA recursive_triggers = off", "PRAGMA recursive_triggers = on") if EVICTIONS else []

STATEMENTS: dict[Engine, list[Template]] = {
    "sqlite": [*CONTROL, *BOTH, *IGNORES, *REPLACES, *PRAGMAS],
    "postgres": [*CONTROL, *BOTH, *POSTGRES],
}
AT_FIRST: dict[Engine, str] = {
    "sqlite": "PRAGMA recursive_triggers = on",
    "postgres": "SET client_min_messages = error",
}
