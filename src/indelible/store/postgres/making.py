"""Making and finding a log in a database: its schema, which format that has, and the log's number."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from psycopg import Connection, errors

from indelible.errors import LogError, NotFoundError
from indelible.merkle.tree import EMPTY_ROOT
from indelible.store.postgres.connection import SQL, Database
from indelible.store.postgres.sql import FORMAT, migration, schema


def exists(database: Database) -> bool:
    with database.connect() as db, database.errors():
        return _installed(db) and _id(db, database) is not None


def make(database: Database, properties: Mapping[str, str]) -> None:
    """All of it or nothing. Raises LogError if there is a log of that name already."""
    with database.connect() as db, database.errors(), db.transaction():
        db.execute(SQL["alone"])
        if not _installed(db):
            db.execute(schema().encode())
            db.execute(SQL["set_format"], (FORMAT,))
        _bring_up_to_date(db, database)
        if _id(db, database) is not None:
            raise LogError(f"There is {database} already. Choose another name (?log=NAME), or use it as it is.")
        ((log,),) = db.execute(SQL["add_log"], (database.log,)).fetchall()
        db.execute(SQL["first_head"], (log, EMPTY_ROOT))
        for name, value in properties.items():
            db.execute(SQL["add_property"], (log, name, value.encode()))


def log_id(db: Connection[tuple[Any, ...]], database: Database) -> int:
    """Raises NotFoundError, LogError for a schema of a later version."""
    found = _id(db, database) if _installed(db) else None
    if found is None:
        raise NotFoundError(
            f"There is no {str(database).removeprefix('the ')}. Create it: indelible init postgresql://…"
        )
    if _format(db) != FORMAT:
        _bring_up_to_date(db, database)
    return found


def key_path(origin: str) -> Path:
    """Not in the database, nor on its machine, if that is another one: `INDELIBLE_KEYS`, or this user's own folder."""
    chosen, data = os.environ.get("INDELIBLE_KEYS"), os.environ.get("XDG_DATA_HOME")
    folder = Path(chosen) if chosen else Path(data or Path.home() / ".local" / "share") / "indelible" / "keys"
    return folder / f"{quote(origin, safe='')}.key"


def index_path(origin: str) -> Path:
    """On the machine of whoever searches: `INDELIBLE_INDEX`, or this user's own folder. Made anew where it is lost."""
    chosen, cache = os.environ.get("INDELIBLE_INDEX"), os.environ.get("XDG_CACHE_HOME")
    folder = Path(chosen) if chosen else Path(cache or Path.home() / ".cache") / "indelible" / "index"
    return folder / quote(origin, safe="")


def _bring_up_to_date(db: Connection[tuple[Any, ...]], database: Database) -> None:
    """All steps or none; of two that begin, the second waits, and finds it done. Raises LogError."""
    try:
        with db.transaction():
            db.execute(SQL["alone"])
            found = _format(db)
            if not 1 <= found <= FORMAT:
                raise LogError(f"{database} has format {found}; this version reads up to {FORMAT}. Upgrade.")
            for step in range(found + 1, FORMAT + 1):
                db.execute(migration(step).encode())
                db.execute(SQL["move_format"], (step,))
    except errors.InsufficientPrivilege as error:
        raise LogError(f"{database} has another format. Open it once as the owner of its schema.") from error


def _format(db: Connection[tuple[Any, ...]]) -> int:
    ((found,),) = db.execute(SQL["format"]).fetchall()
    return int(found)


def _installed(db: Connection[tuple[Any, ...]]) -> bool:
    return bool(db.execute(SQL["installed"]).fetchone() == (True,))


def _id(db: Connection[tuple[Any, ...]], database: Database) -> int | None:
    found = db.execute(SQL["log"], (database.log,)).fetchone()
    return None if found is None else int(found[0])
