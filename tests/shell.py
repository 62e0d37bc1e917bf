"""Somebody with the log's database and its owner's rights: what `verify` is there to find. One for each store."""

from typing import Any, Self
from uuid import UUID

import apsw
import psycopg

from indelible.log import Log
from indelible.store.postgres.store import PostgresStore
from indelible.store.sqlite.store import SQLiteStore


class Shell:
    """`?` stands for a value in every statement, whatever the database."""

    texts: dict[str, str]  # the column of each dictionary that tells what it is of

    def rows(self, sql: str, *values: Any) -> list[Any]:
        raise NotImplementedError

    def run(self, sql: str, *values: Any) -> int:
        """Gives how many rows were changed."""
        raise NotImplementedError

    def insert(self, table: str, **values: Any) -> int:
        raise NotImplementedError

    def disarm(self) -> None:
        """Take away what refuses."""
        raise NotImplementedError

    def text(self, text: str) -> Any:
        """As the dictionaries and the notes have it."""
        raise NotImplementedError

    def id(self, id_: UUID) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def replace(self, table: str, column: str, old: str, new: str) -> int:
        """In every row that has the text."""
        changed = 0
        for (value,) in self.rows(f"SELECT {column} FROM {table}"):
            text = value if isinstance(value, str) else value.decode()
            if old in text:
                made = self.text(text.replace(old, new))
                changed += self.run(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", made, value)
        return changed

    def copy(self, table: str, of: int, **other: Any) -> int:
        """Once more, with other values."""
        columns = [name for name in self.columns(table) if name != "log_id"]
        (row,) = self.rows(f"SELECT {', '.join(columns)} FROM {table} WHERE seq = ?", of)
        return self.insert(table, **(dict(zip(columns, row, strict=True)) | other))

    def columns(self, table: str) -> list[str]:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class FileShell(Shell):
    texts = dict.fromkeys(("action", "operation", "source", "entity_type"), "name") | {"actor": "copy"}

    def __init__(self, store: SQLiteStore) -> None:
        self._db = apsw.Connection(str(store.path))
        self._db.set_busy_timeout(20_000)

    def rows(self, sql: str, *values: Any) -> list[Any]:
        return self._db.execute(sql, values).fetchall()

    def run(self, sql: str, *values: Any) -> int:
        self._db.execute(sql, values)
        return self._db.changes()

    def insert(self, table: str, **values: Any) -> int:
        marks = ", ".join("?" * len(values))
        return self.run(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", *values.values())

    def disarm(self) -> None:
        for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            self._db.execute(f"DROP TRIGGER {name}")

    def columns(self, table: str) -> list[str]:
        return [str(row[1]) for row in self.rows(f"PRAGMA table_info({table})")]

    def text(self, text: str) -> str:
        return text

    def id(self, id_: UUID) -> bytes:
        return id_.bytes

    def close(self) -> None:
        self._db.close()


class ServerShell(Shell):
    texts = dict.fromkeys(("action", "operation", "source", "entity_type", "actor"), "key")

    def __init__(self, url: str) -> None:
        self._db = psycopg.connect(url, autocommit=True, options="-c search_path=indelible_log")

    def rows(self, sql: str, *values: Any) -> list[Any]:
        return self._db.execute(sql.replace("?", "%s").encode(), values).fetchall()

    def run(self, sql: str, *values: Any) -> int:
        return self._db.execute(sql.replace("?", "%s").encode(), values).rowcount

    def insert(self, table: str, **values: Any) -> int:
        marks = ", ".join("?" * len(values))
        sql = f"INSERT INTO {table} (log_id, {', '.join(values)}) SELECT id, {marks} FROM log"
        return self.run(sql, *values.values())

    def disarm(self) -> None:
        """The triggers, and what a table checks by itself."""
        for (sql,) in self.rows(
            "SELECT format('ALTER TABLE %%s DISABLE TRIGGER ALL', oid::regclass) FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'indelible_log'::regnamespace UNION ALL "
            "SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname) FROM pg_constraint "
            "WHERE contype = 'c' AND connamespace = 'indelible_log'::regnamespace"
        ):
            self._db.execute(sql)

    def columns(self, table: str) -> list[str]:
        found = self.rows(
            "SELECT attname FROM pg_attribute WHERE attrelid = ?::regclass AND attnum > 0 AND NOT attisdropped", table
        )
        return [name for (name,) in found]

    def text(self, text: str) -> bytes:
        return text.encode()

    def id(self, id_: UUID) -> UUID:
        return id_

    def close(self) -> None:
        self._db.close()


def shell(log: Log, url: str) -> Shell:
    """`url` is the log's."""
    if isinstance(log.store, SQLiteStore):
        return FileShell(log.store)
    assert isinstance(log.store, PostgresStore)
    return ServerShell(url)
