"""Entries as CloudEvents 1.0, a JSON object a line (cloudevents.io, JSON event format).

`data` is the entry, byte for byte.
"""

import re
from collections.abc import Sequence

import msgspec

from indelible.actions import dotted
from indelible.event import Entry, read

TYPE = "indelible"  # before the action's: attributes of others begin with other words
SOURCE = "indelible:"
# What a String of CloudEvents may not have in it: control characters, and what stands for none. `data` has them.
_REFUSED = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\ufdd0-\\ufdef\\ufffe\\uffff]")


def spell_cloudevents(lines: Sequence[bytes], origin: str) -> bytes:
    """`origin` is the log's, by which its events are told from another's (3.1.1: source and id name one)."""
    return msgspec.json.Encoder().encode_lines([_event(read(line), line, origin) for line in lines])


def _event(entry: Entry, line: bytes, origin: str) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": str(entry.id),
        "source": f"{SOURCE}{origin}",
        "type": f"{TYPE}.{dotted(entry.action)}",
        "subject": _REFUSED.sub("\N{REPLACEMENT CHARACTER}", f"{entry.entity.type}/{entry.entity.id}"),
        "time": entry.occurred_at,
        "sequence": str(entry.seq),  # extension "sequence" of the CloudEvents project
        "datacontenttype": "application/json",
        "data": msgspec.Raw(line),
    }
