"""What leaves: entries as JSON Lines, a JSON array, CSV, CloudEvents or OCSF.

JSON Lines is the log itself: the very bytes that are hashed. The array holds the same bytes between
brackets and commas; CloudEvents and OCSF hold them, too, in the shapes that other tools read. CSV is for spreadsheets.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from indelible.errors import UsageError
from indelible.export.cloudevents import spell_cloudevents
from indelible.export.csv import COLUMNS, csv_spelling, header
from indelible.export.ocsf import spell_ocsf

_CHUNK = 64 * 1024
_TOGETHER = 64  # lines: a step for each would take longer than all else

CSV = "text/csv; charset=utf-8"
NDJSON = "application/x-ndjson"


class Format(NamedTuple):
    """A file is its `head`, some lines spelled at a time with `between` between them, and its `tail`.

    So it may be broken off behind any line, and gone on with.
    """

    spell: Callable[[Sequence[bytes], str], bytes]  # lines, and the origin of their log
    media_type: str
    suffix: str
    head: bytes = b""
    between: bytes = b""
    tail: bytes = b""


FORMATS = {
    "csv": Format(csv_spelling(), CSV, "csv", header()),
    "csv-raw": Format(csv_spelling(raw=True), CSV, "csv", header()),
    "json": Format(lambda lines, _: b",\n".join(lines), "application/json", "json", b"[\n", b",\n", b"\n]\n"),
    "jsonl": Format(lambda lines, _: b"\n".join((*lines, b"")), NDJSON, "jsonl"),
    "cloudevents": Format(spell_cloudevents, NDJSON, "cloudevents.jsonl"),
    "ocsf": Format(spell_ocsf, NDJSON, "ocsf.jsonl"),
}


def format_of(name: str, columns: Sequence[str] = ()) -> Format:
    """By a key of FORMATS; `columns`: of CSV only these, in this order. Raises UsageError."""
    if name not in FORMATS:
        raise UsageError(f"{name[:40]!r} is no format: {', '.join(FORMATS)}.")
    if not columns:
        return FORMATS[name]
    if not name.startswith("csv"):
        raise UsageError(f"Columns are chosen of CSV; {name} has every entry whole. Leave them out, or take csv.")
    unknown = [column for column in columns if column not in COLUMNS]
    if unknown or len(set(columns)) < len(columns):
        named = f"{unknown[0][:40]!r} is no column" if unknown else "A column is named twice"
        raise UsageError(f"{named}. There are: {', '.join(COLUMNS)}.")
    return FORMATS[name]._replace(spell=csv_spelling(columns, raw=name == "csv-raw"), head=header(columns))


def write(batches: Iterable[Sequence[bytes]], form: Format, origin: str = "") -> Iterator[bytes]:
    """The file in chunks of about 64 KB, from lines that come some at a time; `origin` is the log's."""
    chunk, between = bytearray(form.head), b""
    for lines in batches:
        for at in range(0, len(lines), _TOGETHER):
            chunk += between + form.spell(lines[at : at + _TOGETHER], origin)
            between = form.between
            if len(chunk) >= _CHUNK:
                yield bytes(chunk)
                chunk.clear()
    chunk += form.tail
    if chunk:
        yield bytes(chunk)
