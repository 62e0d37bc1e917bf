"""Alembic: revisions that watch what they make, and an autogenerate that does not see what is ours.

from indelible.integrations.alembic import include_name, unwatch, watch

context.configure(connection, target_metadata=metadata, include_name=include_name)     # env.py

def upgrade() -> None:                                                                  # a revision
op.add_column("licenses", sa.Column("seats", sa.Integer()))
watch(op, "licenses", map="audit.toml")
"""

from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from alembic.operations import Operations

from indelible.actions import ActionMap
from indelible.capture.source import Joined
from indelible.errors import UsageError

__all__ = ["include_name", "unwatch", "watch"]


def include_name(name: str | None, type_: str, parent_names: MutableMapping[Any, Any]) -> bool:
    """For `context.configure(include_name=...)`: False for our schema, tables and triggers."""
    if type_ == "schema":
        return name != "indelible"
    ours = "table" if type_ == "table" else "table_name"
    table = name if type_ == "table" else parent_names.get(ours)
    return not (table or "").startswith("indelible_") and parent_names.get("schema_name") != "indelible"


def watch(
    op: Operations,
    *tables: str,
    map: str | Path | None = None,  # noqa: A002 - the word of the docs
    strict: bool = False,
    baseline: bool = True,
) -> None:
    """Install capture in the revision's own transaction, on `tables` or on all that the map does not exclude.

    Raises CaptureError, MapError; UsageError in offline mode, where there is no database to look at.
    """
    action_map = ActionMap.load(Path(map)) if map else None
    with _capture(op) as capture:
        capture.watch(list(tables) or None, action_map, strict=strict, baseline=baseline)


def unwatch(op: Operations, *tables: str) -> None:
    """Remove capture from `tables`; the log says that it was. Raises CaptureError for one that is not watched."""
    with _capture(op) as capture:
        for table in tables:
            capture.unwatch(table)


def _capture(op: Operations) -> AbstractContextManager[Joined]:
    if op.get_context().as_sql:
        raise UsageError("Capture looks at a live database. Leave it out of --sql, and run: indelible watch APP --all")
    connection = op.get_bind()
    dialect = connection.dialect
    driver: Any = connection.connection.driver_connection
    if dialect.is_async or (dialect.name != "sqlite" and dialect.driver != "psycopg"):
        named = f"{dialect.driver}, awaited," if dialect.is_async else dialect.driver
        raise UsageError(
            f"The driver {named} cannot watch inside its own transaction; psycopg and pysqlite can. Migrate with one "
            "of them, or run after the migration: indelible watch APP --all"
        )
    if dialect.name == "sqlite":
        from indelible.capture.sqlite.joined import joined as joined_sqlite

        return joined_sqlite(driver)
    from indelible.capture.postgres.joined import joined

    return joined(driver)
