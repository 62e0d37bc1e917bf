"""PostgreSQL, plain: run a case's statements, say what its tables are and hold. No library has a part in this."""

from collections.abc import Sequence

import psycopg

from tests.capture_torture.engines import CANONICAL, Described, Held, Tables, qualified, quote, refused
from tests.capture_torture.model import Copy, Fails, Many, Pipeline, Statement
from tests.capture_torture.plain_sql import in_sql


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True)


DESCRIBE = """
SELECT CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END,
  (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  (SELECT array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum) FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  (SELECT array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum))
    FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = c.oid AND i.indisprimary),
  (SELECT json_object_agg(a.attname, pg_get_expr(d.adbin, d.adrelid)) FROM pg_attribute a
    JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
    WHERE a.attrelid = c.oid AND a.attgenerated <> ''),
  (SELECT array_agg(a.attname::text) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attidentity <> '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
ORDER BY 1
"""


def describe(db: psycopg.Connection) -> Tables:
    """Ordinary and partitioned tables; a partition is a part of its root."""
    return {
        name: Described(
            name, dict(zip(columns, types, strict=True)), tuple(key or ()), generated or {}, frozenset(identity or ())
        )
        for name, columns, types, key, generated, identity in db.execute(DESCRIBE).fetchall()
        if columns
    }


def held(url: str, tables: Tables) -> Held:
    """Each value as text, in one spelling."""
    found: Held = {}
    with connect(url) as db:
        for setting in CANONICAL:
            db.execute(setting)
        partitioned = {name for (name,) in db.execute("SELECT relname FROM pg_class WHERE relkind = 'p'").fetchall()}
        for name, table in tables.items():
            texts = ", ".join(f"{quote(column)}::text" for column in table.columns)
            only = "" if name in partitioned else "ONLY "
            rows = db.execute(f"SELECT {texts} FROM {only}{qualified(name)}").fetchall()
            found[name] = [dict(zip(table.columns, row, strict=True)) for row in rows]
    return found


def run(db: psycopg.Connection, statements: Sequence[Statement]) -> None:
    for statement in statements:
        match statement:
            case str():
                db.execute(statement, prepare=False)
            case Fails(sql):
                with refused(psycopg.Error, sql):
                    db.execute(sql)
            case Many(sql, rows):
                with db.transaction():
                    db.cursor().executemany(sql.replace("?", "%s"), rows)
            case Pipeline(parts):
                with db.pipeline():
                    for part in parts:
                        db.execute(part)
            case Copy(sql, data):
                with db.cursor().copy(sql) as copy:
                    copy.write(data)
            case _:
                run(db, in_sql(statement, "postgres"))
