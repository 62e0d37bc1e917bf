"""Entries as CloudEvents 1.0, a JSON object a line (cloudevents.io, JSON event format).

`data` is the entry, byte for byte.
"""

from collections.abc import Iterable, Iterator

import msgspec

from indelible.actions import dotted
from indelible.event import Entry, read

TYPE = "indelible"  # before the action's: attributes of others begin with other words
SOURCE = "indelible:"


def write_cloudevents(lines: Iterable[bytes], origin: str) -> Iterator[bytes]:
    """`origin` is the log's, by which its events are told from another's (3.1.1: source and id name one)."""
    for line in lines:
        yield msgspec.json.encode(_event(read(line), line, origin)) + b"\n"


def _event(entry: Entry, line: bytes, origin: str) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": str(entry.id),
        "source": f"{SOURCE}{origin}",
        "type": f"{TYPE}.{dotted(entry.action)}",
        "subject": f"{entry.entity.type}/{entry.entity.id}",
        "time": entry.occurred_at,
        "sequence": str(entry.seq),  # extension "sequence" of the CloudEvents project
        "datacontenttype": "application/json",
        "data": msgspec.Raw(line),
    }
