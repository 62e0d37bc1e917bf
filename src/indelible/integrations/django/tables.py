"""What tables a database has, by the names that capture knows them by."""

from collections import defaultdict
from typing import Any

from indelible.integrations.django.defaults import model_maps

SQLITE = """SELECT t.name, t.name, c.name FROM pragma_table_list t JOIN pragma_table_xinfo(t.name) c
WHERE t.schema = 'main' AND t.type = 'table'
  AND substr(t.name, 1, 7) <> 'sqlite_' AND substr(t.name, 1, 10) <> 'indelible_'"""
# A table that is not of the search path goes by the name that a model gives it, db_table = 'schema"."table'; those of
# extensions belong to the server.
ELSEWHERE = '"."'
POSTGRES = f"""SELECT
  CASE WHEN pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '{ELSEWHERE}' || c.relname END,
  CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END, a.attname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0
  AND NOT a.attisdropped AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'indelible')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')"""


class Tables:
    """The tables there are now: Django's name for each, what capture calls it, its columns.

    Of other schemas than those of the search path only what a model names: the rest may be another program's.
    """

    def __init__(self, connection: Any) -> None:
        self.known_as: dict[str, str] = {}
        self.columns: dict[str, set[str]] = defaultdict(set)
        models = model_maps().keys()
        with connection.cursor() as cursor:
            cursor.execute(POSTGRES if connection.vendor == "postgresql" else SQLITE)
            for table, known_as, column in cursor.fetchall():
                if ELSEWHERE not in table or table in models:
                    self.known_as[table] = known_as
                    self.columns[table].add(column)
