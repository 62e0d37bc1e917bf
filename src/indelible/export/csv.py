"""CSV by RFC 4180, safe to open in a spreadsheet.

A cell that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV Injection), and
control characters become U+FFFD. Nothing is lost by that: `changes` and the JSON formats hold the exact values.
`raw` is for programs: every cell as it is.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import itemgetter

import msgspec

from indelible.errors import EventError
from indelible.event import Context, Entity, Organization

COLUMNS = (
    "seq", "id", "occurred_at", "action", "operation", "outcome",
    "actor_type", "actor_id", "actor_name", "actor_email", "on_behalf_of",
    "entity_type", "entity_id", "entity_name", "organization_id", "organization_name",
    "changes", "reason", "source", "ip", "user_agent", "request_id", "transaction_id", "metadata",
)  # fmt: skip

_LONG = 4096  # bytes of a line: of a longer one nothing is remembered
_MARK = "\N{NOT SIGN}"  # stands before each of several cells that are looked at as one text

_FORMULA = tuple("=+-@＝＋－＠")
_SUSPECT = {*_FORMULA, " "}  # a formula, or a space that one may stand behind; no other space is printable
_INNER = re.compile(r"([;\t]\s*)(?=[=+\-@＝＋－＠])")  # where other programs than the one it was made for end a cell
_START = re.compile(rf"{_MARK}[ {re.escape(''.join(_FORMULA))}]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufeff]")


def header(columns: Sequence[str] = COLUMNS) -> bytes:
    """The first row."""
    return f"{','.join(columns)}\r\n".encode()


def csv_spelling(columns: Sequence[str] = COLUMNS, *, raw: bool = False) -> Callable[[Sequence[bytes], str], bytes]:
    """What makes lines of a log into rows. `columns`: some of COLUMNS, in the order they are to have.

    Raises EventError for a line that is no entry.
    """
    cells = _Cells(str if raw else safe)
    places = [COLUMNS.index(name) for name in columns]
    chosen = itemgetter(*places) if len(places) > 1 else lambda row: (row[places[0]] or '""',)  # no row is empty

    def spell(lines: Sequence[bytes], _origin: str) -> bytes:
        return "".join([f"{','.join(chosen(cells.of(line)))}\r\n" for line in lines]).encode()  # RFC 4180, 2.1

    return spell


def safe(text: str) -> str:
    """One cell, as a spreadsheet may see it."""
    if text.isprintable() and text[:1] not in _SUSPECT and ";" not in text:  # as nearly all are
        return text
    text = _CONTROL.sub("\ufffd", text)
    bare = text.lstrip()
    text = text[: len(text) - len(bare)] + _INNER.sub(r"\1'", bare)
    return f"'{text}" if bare[:1] in _FORMULA else text


class _Actor(msgspec.Struct, gc=False):
    type: str
    id: str | None
    name: str | None
    email: str | None
    on_behalf_of: msgspec.Raw = msgspec.Raw(b"")


class _Entry(msgspec.Struct, gc=False):
    """An entry whose documents are as they are written: to decode and encode them again takes as long as all else."""

    seq: int
    id: str
    action: str
    operation: str
    occurred_at: str
    actor: _Actor
    entity: Entity
    organization: Organization | None
    changes: msgspec.Raw
    outcome: str
    reason: str | None
    context: Context
    metadata: msgspec.Raw


_decode = msgspec.json.Decoder(_Entry).decode
_NONE, _EMPTY = Organization(""), msgspec.Raw(b"{}")


class _Cells:
    """Cells as they stand in the file. What is in many rows is spelled once; the rest is looked at together."""

    def __init__(self, spelled: Callable[[str], str]) -> None:
        self._cell = lambda text: _quoted(spelled(text))
        self._often = lru_cache(8192)(self._cell)

    def of(self, line: bytes) -> tuple[str, ...]:
        """In the order of COLUMNS."""
        try:
            return self._of(_decode(line), self._often if len(line) < _LONG else self._cell)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise EventError("line", f"these bytes are not an entry: {error}.") from error

    def _of(self, entry: _Entry, often: Callable[[str], str]) -> tuple[str, ...]:
        actor, entity, organization, context = entry.actor, entry.entity, entry.organization or _NONE, entry.context
        id_, at, key, name, reason, request, transaction = self._seldom(
            entry.id, entry.occurred_at, entity.id, entity.name, entry.reason,
            context.request_id, context.transaction_id,
        )  # fmt: skip
        return (
            str(entry.seq), id_, at, often(entry.action), often(entry.operation), often(entry.outcome),
            often(actor.type), often(actor.id or ""), often(actor.name or ""), often(actor.email or ""),
            _document(actor.on_behalf_of),
            often(entity.type), key, name, often(organization.id), often(organization.name or ""),
            _document(entry.changes), reason,
            often(context.source or ""), often(context.ip or ""), often(context.user_agent or ""),
            request, transaction, _document(entry.metadata) if entry.metadata != _EMPTY else "",
        )  # fmt: skip

    def _seldom(self, *texts: str | None) -> Iterable[str]:
        cells = [text or "" for text in texts]
        one = _MARK + _MARK.join(cells)
        plain = one.isprintable() and "," not in one and '"' not in one and ";" not in one and not _START.search(one)
        return cells if plain else map(self._cell, cells)


def _quoted(text: str) -> str:
    """RFC 4180, 2.6 and 2.7."""
    if '"' in text:
        return '"' + text.replace('"', '""') + '"'
    return f'"{text}"' if "," in text or "\n" in text or "\r" in text else text


def _document(written: msgspec.Raw) -> str:
    """JSON that `safe` leaves as it is: what JSON does not escape by itself is escaped here."""
    text = str(written, "utf-8").replace("\x7f", "\\u007f").replace("\ufeff", "\\ufeff")
    return _quoted(_INNER.sub(lambda found: found[1].replace(";", "\\u003b"), text) if ";" in text else text)
