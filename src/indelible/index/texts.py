"""The texts that an entry can be found by, beside its names in dictionaries."""

from collections.abc import Callable, Iterator

from indelible.event import Entry
from indelible.values import text

NAME, OLD, NEW, FIELD = "name", "old", "new", "field"  # of the entity, of values, of what changed


def _names(entry: Entry) -> Iterator[str]:
    yield entry.entity.id
    if entry.entity.name:
        yield entry.entity.name


def _values(side: str) -> Callable[[Entry], Iterator[str]]:
    """And the names beside them."""
    name = f"{side}_name"

    def values(entry: Entry) -> Iterator[str]:
        for change in entry.changes.values():
            for told in (text(change.get(side)), change.get(name)):
                if told:
                    yield str(told)

    return values


# Of each kind, as they are spelled.
TEXTS: dict[str, Callable[[Entry], Iterator[str]]] = {
    NAME: _names, OLD: _values(OLD), NEW: _values(NEW), FIELD: lambda entry: iter(entry.changes),
}  # fmt: skip
