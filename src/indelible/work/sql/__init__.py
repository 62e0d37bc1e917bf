"""The schema and the statements, as the files beside this one spell them: what SQLite and PostgreSQL both read."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

from indelible.files import statements

FORMAT = 5  # `schema.sql` is the first; `migrations/` has a step to each from the one before
AT_ONCE = 500  # rows of one statement
_VALUES = re.compile(r"VALUES \(([^)]*)\)")


def schema() -> str:
    """Of this format: the first one, and what each step added."""
    first = files(__name__).joinpath("schema.sql").read_text()
    return "\n".join([first, *map(migration, range(2, FORMAT + 1))])


def migration(to: int) -> str:
    """The step to one format."""
    return files(__name__).joinpath("migrations", f"{to:04}.sql").read_text()


@cache
def queries() -> dict[str, str]:
    """Name to statement; values are named `:so`."""
    return statements(__name__, "queries.sql")


def inserts(name: str, rows: Iterable[Mapping[str, Any]], mark: str) -> Iterator[tuple[str, list[Any]]]:
    """An INSERT of one row as a few of many, with their values in order; `mark` stands for each.

    One statement is one journey, and one time of giving up Python's lock. A key may be among the rows once.
    """
    text, left = queries()[name], iter(rows)
    (shape,) = _VALUES.findall(text)
    columns = re.findall(r":(\w+)", shape)
    while chunk := list(islice(left, AT_ONCE)):
        groups = ", ".join([f"({', '.join([mark] * len(columns))})"] * len(chunk))
        yield _VALUES.sub(lambda _, groups=groups: f"VALUES {groups}", text), [row[c] for row in chunk for c in columns]  # type: ignore[misc]
