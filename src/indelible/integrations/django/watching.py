"""Watches the tables of the project: after `migrate`, as each of its migrations commits, and where one says so."""

from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from typing import Any

import msgspec
from django.apps import apps
from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations import RenameModel

from indelible.actions import ActionMap, TableMap
from indelible.capture.source import open_source
from indelible.integrations import statements
from indelible.integrations.django.conf import MIGRATIONS, configured, watched
from indelible.integrations.django.databases import source_url
from indelible.integrations.django.defaults import fitted, given_tables, merged
from indelible.integrations.django.tables import Tables

NOT_NAMED = "No Watch operation of a migration names it."


def watch(alias: str, tables: Iterable[str] | None = None, *, whole_map: bool = False) -> list[str]:
    """Install capture on `tables` (None: all that the settings want); repeatable. Gives their names.

    `whole_map`: what the project's map names has to be there. Raises CaptureError or MapError. A database in memory is
    nobody's but its own connection's: nothing is watched.
    """
    url = source_url(alias)
    if url is None:
        return []
    settings, there = configured(), Tables(connections[alias])
    maps = project_map(alias, there, _to_be_there(alias, there) if whole_map else ())
    wanted = there.known_as if tables is None else [table for table in tables if table in there.known_as]
    if tables is not None:  # named one by one: whatever is said of all others
        maps |= {table: msgspec.structs.replace(maps[table], exclude=None) for table in wanted if table in maps}
    out = [table for table in there.known_as if table in maps and maps[table].exclude]
    chosen = [there.known_as[table] for table in wanted if table not in out]
    known = {there.known_as.get(table, table): each for table, each in maps.items()}
    unwatch(alias, out)  # what was watched and is left out by now
    with closing(open_source(url)) as source:
        return source.watch(chosen, ActionMap(known), strict=settings.STRICT, baseline=settings.BASELINE)


def project_map(alias: str, there: Tables, strictly: Iterable[str] = ()) -> dict[str, TableMap]:
    """What holds for each table there is. Raises MapError."""
    settings = configured()
    maps = fitted(merged(settings.map_path), there.columns, strictly)
    if settings.WATCH == MIGRATIONS:
        named = watched_by_migrations(alias)
        for table in there.columns.keys() - named:
            below = maps.get(table, TableMap())
            maps[table] = msgspec.structs.replace(below, exclude=below.exclude or NOT_NAMED)
    return maps


def unwatch(alias: str, tables: Iterable[str]) -> None:
    """Those of the tables that are watched are so no more. Raises CaptureError."""
    url = source_url(alias)
    if url is None:
        return
    there = Tables(connections[alias])
    with closing(open_source(url)) as source:
        watched_now = {each.table for each in source.coverage() if each.state in ("watched", "drifted")}
        for table in tables:
            if there.known_as.get(table) in watched_now:
                source.unwatch(there.known_as[table])


def _drop_triggers(connection: Any, table: str) -> None:
    """SQLite drops no column that a trigger mentions."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
        for (name,) in cursor.fetchall():
            if name.startswith("indelible_"):
                cursor.execute(f"DROP TRIGGER {connection.ops.quote_name(name)}")


def _to_be_there(alias: str, there: Tables) -> set[str]:
    """The tables of the project's map, unless migrations are still to make them or they may be in another database."""
    if _pending(alias):
        return set()
    named = given_tables(configured().map_path)
    return named if len(configured().DATABASES) == 1 else named & there.columns.keys()


def watched_by_migrations(alias: str) -> set[str]:
    """The tables that Watch operations of the applied migrations name, and no Unwatch after them."""
    from indelible.integrations.django.operations import Unwatch, Watch

    executor = MigrationExecutor(connections[alias])
    applied, graph = executor.loader.applied_migrations, executor.loader.graph
    named: dict[tuple[str, str], None] = {}
    for node in dict.fromkeys(node for leaf in graph.leaf_nodes() for node in graph.forwards_plan(leaf)):
        for operation in graph.nodes[node].operations if node in applied else ():
            if isinstance(operation, Watch):
                named |= dict.fromkeys(operation.names)
            elif isinstance(operation, Unwatch):
                named = {name: None for name in named if name not in operation.names}
            elif isinstance(operation, RenameModel) and (node[0], operation.old_name_lower) in named:
                named[node[0], operation.new_name_lower] = None
    return {table for name in named if (table := _table(*name)) is not None}


def _table(app_label: str, model_name: str) -> str | None:
    try:
        return str(apps.get_model(app_label, model_name)._meta.db_table)
    except LookupError:
        return None  # deleted since, with its table


def _pending(alias: str) -> bool:
    executor = MigrationExecutor(connections[alias])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


class Noticing:
    """While migrations run: a table that was made or altered is watched anew as its migration commits.

    SQLite makes a table anew to alter it, and its triggers are gone; a later migration may write to it before all is
    done. To drop a column it wants those triggers gone that mention it.
    """

    def __init__(self) -> None:
        self._waiting = False

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        connection, text = context["connection"], statements.text_of(sql, context["cursor"].cursor)
        if connection.vendor == "sqlite" and (table := statements.narrowed(text)):
            _drop_triggers(connection, table)
        result = execute(sql, params, many, context)
        if connection.in_atomic_block and not self._waiting and statements.defines(text):
            self._waiting = True
            transaction.on_commit(self._after(connection.alias), using=connection.alias, robust=True)
        return result

    def _after(self, alias: str) -> Callable[[], None]:
        """What fails here is logged; at the end of it all `after_migrate` tries again, and fails aloud."""

        def again() -> None:
            self._waiting = False
            watch(alias)

        return again


def before_migrate(using: str, **_: Any) -> None:
    if watched(using):
        after_migrations(using)
        connections[using].execute_wrappers.insert(0, Noticing())


def after_migrate(using: str, verbosity: int = 1, stdout: Any = None, **_: Any) -> None:
    """Once for each database, after all of it is there. What cannot be watched ends the command: nobody is to believe
    that changes are recorded which are not.
    """
    if not watched(using):
        return
    after_migrations(using)
    transaction.on_commit(partial(_watch_and_tell, using, verbosity, stdout), using=using)


def after_migrations(alias: str) -> None:
    """A migration that failed has left one there, too."""
    wrappers = connections[alias].execute_wrappers
    wrappers[:] = [each for each in wrappers if not isinstance(each, Noticing)]


def _watch_and_tell(alias: str, verbosity: int, stdout: Any) -> None:
    tables = watch(alias, whole_map=True)
    if verbosity > 1 and stdout is not None:
        stdout.write(f"Indelible watches {len(tables)} tables of {alias!r}.")
