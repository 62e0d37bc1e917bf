"""Which tables are watched, which are left out and why, and which were forgotten."""

from contextlib import closing

from django.db import connections

from indelible.capture.coverage import Coverage
from indelible.capture.source import open_source
from indelible.integrations.django.databases import source_url
from indelible.integrations.django.tables import Tables
from indelible.integrations.django.watching import project_map

TRIGGERS = "SELECT DISTINCT tbl_name FROM sqlite_master WHERE type = 'trigger' AND substr(name, 1, 10) = 'indelible_'"


def coverage(alias: str) -> list[Coverage]:
    """Each table of a database; none of one in memory. Raises CaptureError."""
    url = source_url(alias)
    if url is None:
        return []
    with closing(open_source(url)) as source:
        return source.coverage() if hasattr(source, "coverage") else _by_triggers(alias)


def _by_triggers(alias: str) -> list[Coverage]:
    """Until capture on SQLite tells it."""
    there = Tables(connections[alias])
    maps = project_map(alias, there)
    with connections[alias].cursor() as cursor:
        cursor.execute(TRIGGERS)
        watched = {name for (name,) in cursor.fetchall()}
    excluded = {table: each.exclude for table, each in maps.items() if each.exclude}
    return [
        Coverage(
            table,
            "watched" if table in watched else "excluded" if table in excluded else "not covered",
            excluded.get(table),
        )
        for table in sorted(there.columns)
    ]
