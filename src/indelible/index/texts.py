"""The texts that an entry can be found by, beside its names in dictionaries."""

from collections.abc import Iterator

from indelible.event import Entry
from indelible.values import text

NAME, OLD, NEW, FIELD = TEXTS = ("name", "old", "new", "field")  # of the entity, of values, of what changed


def texts(entry: Entry) -> Iterator[tuple[str, str]]:
    """(kind, text), as they are spelled."""
    yield NAME, entry.entity.id
    if entry.entity.name:
        yield NAME, entry.entity.name
    for field, change in entry.changes.items():
        yield FIELD, field
        for side in (OLD, NEW):
            for told in (text(change.get(side)), change.get(f"{side}_name")):
                if told:
                    yield side, str(told)
