"""Which tables are watched, which are left out and why, and which were forgotten."""

from contextlib import closing

from django.db import connections

from indelible.capture.source import open_source
from indelible.integrations.django.conf import configured
from indelible.integrations.django.databases import source_url
from indelible.integrations.django.defaults import merged
from indelible.integrations.django.tables import Tables

COVERED = ("watched", "excluded")


def coverage(alias: str) -> list[tuple[str, str, str]]:
    """(table, state, reason) of each table of a database; states: watched, excluded, not covered, drifted."""
    url = source_url(alias)
    if url is None:
        return []
    with closing(open_source(url)) as source:
        told = getattr(source, "coverage", None)
        return told() if told is not None else _by_triggers(alias)


def _by_triggers(alias: str) -> list[tuple[str, str, str]]:
    """Until `Source.coverage` is there: tables with triggers of ours, and what the map excludes."""
    connection = connections[alias]
    there, maps = Tables(connection), merged(configured().map_path)
    names = (
        "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE 'indelible_%'"
        if connection.vendor == "postgresql"
        else "SELECT DISTINCT tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'indelible_%'"
    )
    with connection.cursor() as cursor:
        cursor.execute(names)
        watched = {name for (name,) in cursor.fetchall()}
    excluded = {table: each.exclude for table, each in maps.items() if each.exclude}
    return [
        (known_as, "watched" if table in watched else "excluded" if table in excluded else "not covered", excluded.get(table) or "")
        for table, known_as in sorted(there.known_as.items())
    ]
