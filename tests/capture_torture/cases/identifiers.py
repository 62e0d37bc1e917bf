"""Names are only names, whatever stands in them."""

from collections.abc import Iterator

from tests.capture_torture.engines import quote
from tests.capture_torture.model import BOTH, Case, Change, created, deleted, updated

ODD = {
    "quotes": "a\"b'c`d",
    "spaces": " with  space ",
    "reserved": "select",
    "unicode": "Größe 🔑",
    "punctuation": "x;y--z/*w*/",
    "percent": "100%s %(x)s %%",
    "dollars": "$$ $1 $body$",
    "backslash": "a\\nb{}",
    "capitals": "CamelCase",
    "new": "new",
    "old": "old",
    "excluded": "excluded",
    "long": "n" * 63,
    "long-unicode": "é" * 31,
}


def _odd(name: str, odd: str) -> Case:
    table = quote(odd)
    return Case(
        id=f"name-{name}",
        promise="A table, its key and its column may have any name.",
        engines=BOTH,
        schema=f"CREATE TABLE {table} ({table} INTEGER PRIMARY KEY, {quote(odd[:-1] + '_')} TEXT)",
        run=(
            f"INSERT INTO {table} VALUES (1, 'a')",
            f"UPDATE {table} SET {quote(odd[:-1] + '_')} = 'b'",
            f"DELETE FROM {table}",
        ),
        expected=(
            created(odd, **{odd: 1, odd[:-1] + "_": "a"}),
            updated(odd, {odd: 1}, **{odd[:-1] + "_": ("a", "b")}),
            deleted(odd, **{odd: 1, odd[:-1] + "_": "b"}),
        ),
    )


COLUMNS = (
    "old", "new", "excluded", "operation", "action", "changes", "actor", "at", "watch", "context", "body",
    "row", "tg_op", "tg_table_name", "record", "key", "value", "table_name", "txid", "pgh_obj", "history_id",
)  # fmt: skip


def _columns() -> Case:
    names = COLUMNS
    return Case(
        id="name-columns-of-a-log",
        promise="Columns may have the names that a log's own tables and triggers use.",
        schema=f"CREATE TABLE t (id INTEGER PRIMARY KEY, {', '.join(f'{quote(name)} TEXT' for name in names)})",
        run=(
            f"INSERT INTO t (id, {', '.join(map(quote, names))}) VALUES (1, {', '.join('?' for _ in names)})".replace(
                "?", "'v'"
            ),
            f"UPDATE t SET {', '.join(f'{quote(name)} = NULL' for name in names[:3])}",
        ),
        expected=(
            created("t", id=1, **dict.fromkeys(names, "v")),
            updated("t", {"id": 1}, **dict.fromkeys(names[:3], ("v", None))),
        ),
    )


def _alike() -> Iterator[Case]:
    pairs = {
        "name-alike-to-the-last-byte": ("n" * 62 + "1", "n" * 62 + "2"),
        "name-alike-but-for-punctuation": ("audit log", "audit_log"),
        "name-plural-and-singular": ("license", "licenses"),
    }
    for id_, names in pairs.items():
        expected: list[Change] = []
        for n, name in enumerate(names):
            expected += [created(name, id=n), updated(name, {"id": n + 10}, id=(n, n + 10)), deleted(name, id=n + 10)]
        yield Case(
            id=id_,
            promise="Two tables whose names are nearly the same stay two tables.",
            schema="; ".join(f"CREATE TABLE {quote(name)} (id INTEGER PRIMARY KEY)" for name in names),
            run=[
                sql
                for n, name in enumerate(names)
                for sql in (
                    f"INSERT INTO {quote(name)} VALUES ({n})",
                    f"UPDATE {quote(name)} SET id = id + 10",
                    f"DELETE FROM {quote(name)}",
                )
            ],
            expected=expected,
        )


CASES = (*(_odd(name, odd) for name, odd in ODD.items()), _columns(), *_alike())
