"""CSV by RFC 4180, safe to open in a spreadsheet.

A cell that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV Injection), and
control characters become U+FFFD. Nothing is lost by that: `changes` and the JSON formats hold the exact values.
`raw` is for programs: every cell as it is.
"""

import csv
import io
import re
from collections.abc import Callable, Sequence
from operator import itemgetter

import msgspec

from indelible.event import Entry, read

COLUMNS = (
    "seq", "id", "occurred_at", "action", "operation", "outcome",
    "actor_type", "actor_id", "actor_name", "actor_email", "on_behalf_of",
    "entity_type", "entity_id", "entity_name", "organization_id", "organization_name",
    "changes", "reason", "source", "ip", "user_agent", "request_id", "transaction_id", "metadata",
)  # fmt: skip

_FORMULA = tuple("=+-@＝＋－＠")
_SUSPECT = {*_FORMULA, " "}  # a formula, or a space that one may stand behind; no other space is printable
_INNER = re.compile(r"([;\t]\s*)(?=[=+\-@＝＋－＠])")  # where other programs than the one it was made for end a cell
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufeff]")


def header(columns: Sequence[str] = COLUMNS) -> bytes:
    """The first row."""
    return f"{','.join(columns)}\r\n".encode()


def csv_spelling(columns: Sequence[str] = COLUMNS, *, raw: bool = False) -> Callable[[Sequence[bytes], str], bytes]:
    """What makes lines of a log into rows. `columns`: some of COLUMNS, in the order they are to have."""
    spelled = _plain if raw else safe
    places = [COLUMNS.index(name) for name in columns]
    chosen = itemgetter(*places) if len(places) > 1 else lambda cells: (cells[places[0]],)

    def spell(lines: Sequence[bytes], _origin: str) -> bytes:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\r\n")  # RFC 4180, 2.1
        for line in lines:
            writer.writerow([spelled(cell) for cell in chosen(_cells(read(line)))])
        return buffer.getvalue().encode()

    return spell


def safe(cell: object) -> str:
    """One cell, as a spreadsheet may see it."""
    text = "" if cell is None else str(cell)
    if text.isprintable() and text[:1] not in _SUSPECT and ";" not in text:  # as nearly all are
        return text
    text = _CONTROL.sub("\ufffd", text)
    bare = text.lstrip()
    text = text[: len(text) - len(bare)] + _INNER.sub(r"\1'", bare)
    return f"'{text}" if bare[:1] in _FORMULA else text


def _plain(cell: object) -> str:
    return "" if cell is None else str(cell)


def _cells(entry: Entry) -> tuple[object, ...]:
    organization, context = entry.organization, entry.context
    return (
        entry.seq, entry.id, entry.occurred_at, entry.action, entry.operation, entry.outcome,
        entry.actor.type, entry.actor.id, entry.actor.name, entry.actor.email,
        _exact(entry.actor.on_behalf_of) if entry.actor.on_behalf_of else None,
        entry.entity.type, entry.entity.id, entry.entity.name,
        organization and organization.id, organization and organization.name,
        _exact(entry.changes), entry.reason,
        context.source, context.ip, context.user_agent, context.request_id, context.transaction_id,
        _exact(entry.metadata) if entry.metadata else None,
    )  # fmt: skip


def _exact(value: object) -> str:
    """JSON that `safe` leaves as it is: what JSON does not escape by itself is escaped here."""
    text = msgspec.json.encode(value).decode().replace("\x7f", "\\u007f").replace("\ufeff", "\\ufeff")
    return _INNER.sub(lambda found: found[1].replace(";", "\\u003b"), text) if ";" in text else text
