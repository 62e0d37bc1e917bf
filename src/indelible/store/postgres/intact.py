"""What refuses, and what an organization sees the log by, as `schema.sql` makes it: to be held against the catalogs.

Of functions the text between the dollars, which PostgreSQL keeps as it is; of a view the words, which it spells anew.
"""

import re
from collections.abc import Iterable

from indelible.store.postgres.sql import schema

Thing = tuple[str, str, str]  # its kind, its name, and what is compared of it

_ROW, _BEFORE = 1, 2  # bits of pg_trigger.tgtype
_EVENTS = {"INSERT": 4, "DELETE": 8, "UPDATE": 16, "TRUNCATE": 32}
_TRIGGER = re.compile(
    r"CREATE TRIGGER (\w+) (BEFORE|AFTER) ([A-Z]+)(?: OF ([\w, ]+?))? ON indelible_log\.(\w+)[^;]*?"
    r"(FOR EACH ROW )?EXECUTE FUNCTION indelible_log\.(\w+)\(\);"
)
_FUNCTION = re.compile(r"CREATE FUNCTION indelible_log\.(\w+)\(\).*?AS \$\$(.*?)\$\$;", re.DOTALL)
_VIEW = re.compile(r"CREATE VIEW indelible_log\.(\w+) WITH \((\w+)\) AS(.*?);", re.DOTALL)
_UNIQUE = re.compile(r"CREATE UNIQUE INDEX (\w+)\s+ON indelible_log\.(\w+)")
_TABLE = re.compile(r"CREATE TABLE indelible_log\.(\w+) \((.*?)\n?\);", re.DOTALL)
_PINNED = "search_path=pg_catalog, pg_temp"
_EXTRA = ("trigger", "rule")  # of these there are no others, either


def difference(there: Iterable[Thing]) -> list[str]:
    """What is not as it was made, by name; `there` is what the catalogs tell."""
    made = _made(schema())
    found = {(kind, name, _words(text) if kind == "view" else text) for kind, name, text in there}
    wrong = (made - found) | {thing for thing in found - made if thing[0] in _EXTRA}
    return sorted({name for _, name, _ in wrong})


def _made(text: str) -> set[Thing]:
    functions = {("function", name, f"{body} {_PINNED}") for name, body in _FUNCTION.findall(text)}
    views = {("view", name, _words(f"{option}=true {query}")) for name, option, query in _VIEW.findall(text)}
    return functions | views | {*_triggers(text)} | {*_keys(text)}


def _triggers(text: str) -> Iterable[Thing]:
    for name, when, event, columns, table, row, function in _TRIGGER.findall(text):
        kind = (_ROW if row else 0) | (_BEFORE if when == "BEFORE" else 0) | _EVENTS[event]
        yield _trigger(name, table, kind, function, columns)
    (listed,) = re.findall(r"'\{(log,[a-z_,]+)\}'", text)
    never = {"TRUNCATE": (), "DELETE": ("attachment",), "UPDATE": ("head", "organization", "entity")}
    for event, but in never.items():
        for table in listed.split(","):
            if table not in but:
                yield _trigger(f"refuses_{event.lower()}", table, _BEFORE | _EVENTS[event], "refuse")


def _trigger(name: str, table: str, kind: int, function: str, columns: str = "") -> Thing:
    """Switched on in a session of a replica, too (A), without a condition."""
    return "trigger", f"{name} of indelible_log.{table}", f"{kind} A indelible_log.{function} [{columns}]"


def _keys(text: str) -> Iterable[Thing]:
    for name, table in _UNIQUE.findall(text):
        yield "key", f"{name} of indelible_log.{table}", ""
    for table, columns in _TABLE.findall(re.sub(r"--[^\n]*", "", text)):
        yield "table", f"indelible_log.{table}", "r"
        if "PRIMARY KEY" in columns:
            yield "key", f"{table}_pkey of indelible_log.{table}", ""
        for unique in re.findall(r"\n  UNIQUE \(([\w, ]+)\)", columns):
            yield "key", f"{table}_{unique.replace(', ', '_')}_key of indelible_log.{table}", ""


def _words(text: str) -> str:
    """PostgreSQL spells a view anew, with brackets and types. Names are in full: there may be others like them."""
    return " ".join(re.findall(r"\w+|[^\w\s();]", re.sub(r"::\w+|\bAS\b", " ", text)))
