"""What leaves: entries as JSON Lines, a JSON array, CSV, CloudEvents or OCSF, streamed.

JSON Lines is the log itself: the very bytes that are hashed. The array holds the same bytes between
brackets and commas; CloudEvents and OCSF hold them, too, in the shapes that other tools read. CSV is for spreadsheets.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from indelible.export.cloudevents import write_cloudevents
from indelible.export.csv import write_csv
from indelible.export.ocsf import write_ocsf

_CHUNK = 64 * 1024
_TOGETHER = 16  # lines


class Format(NamedTuple):
    """How lines become a file."""

    write: Callable[[Iterable[bytes], str], Iterator[bytes]]  # of lines, and the origin of their log
    media_type: str
    suffix: str


def _jsonl(lines: Iterable[bytes], _origin: str) -> Iterator[bytes]:
    for some in _batches(lines):
        yield b"\n".join(some) + b"\n"


def _json(lines: Iterable[bytes], _origin: str) -> Iterator[bytes]:
    start = b"[\n"
    for some in _batches(lines):
        yield start + b",\n".join(some)
        start = b",\n"
    yield b"[]\n" if start == b"[\n" else b"\n]\n"


def _batches(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Joined many at once: a step for each would take longer than all else."""
    left = iter(lines)
    while some := list(islice(left, _TOGETHER)):
        yield some


FORMATS = {
    "csv": Format(lambda lines, _: write_csv(lines), "text/csv; charset=utf-8", "csv"),
    "csv-raw": Format(lambda lines, _: write_csv(lines, raw=True), "text/csv; charset=utf-8", "csv"),
    "json": Format(_json, "application/json", "json"),
    "jsonl": Format(_jsonl, "application/x-ndjson", "jsonl"),
    "cloudevents": Format(write_cloudevents, "application/x-ndjson", "cloudevents.jsonl"),
    "ocsf": Format(write_ocsf, "application/x-ndjson", "ocsf.jsonl"),
}


def write(lines: Iterable[bytes], format_name: str, origin: str = "") -> Iterator[bytes]:
    """The file in chunks of about 64 KB; `format_name` is a key of FORMATS, `origin` the log's."""
    chunk = bytearray()
    for piece in FORMATS[format_name].write(lines, origin):
        chunk += piece
        if len(chunk) >= _CHUNK:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)
