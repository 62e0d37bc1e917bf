"""What leaves: entries as JSON Lines, a JSON array or CSV, streamed.

JSON Lines is the log itself: the very bytes that are hashed. The array holds the same bytes between
brackets and commas. CSV is for spreadsheets.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from indelible.export.csv import write_csv

_CHUNK = 64 * 1024


class Format(NamedTuple):
    """How lines become a file."""

    write: Callable[[Iterable[bytes]], Iterator[bytes]]
    media_type: str
    suffix: str


def _jsonl(lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield line + b"\n"


def _json(lines: Iterable[bytes]) -> Iterator[bytes]:
    start = b"[\n"
    for line in lines:
        yield start + line
        start = b",\n"
    yield b"[]\n" if start == b"[\n" else b"\n]\n"


FORMATS = {
    "csv": Format(write_csv, "text/csv; charset=utf-8", "csv"),
    "json": Format(_json, "application/json", "json"),
    "jsonl": Format(_jsonl, "application/x-ndjson", "jsonl"),
}


def write(lines: Iterable[bytes], format_name: str) -> Iterator[bytes]:
    """The file in chunks of about 64 KB; `format_name` is a key of FORMATS."""
    chunk = bytearray()
    for piece in FORMATS[format_name].write(lines):
        chunk += piece
        if len(chunk) >= _CHUNK:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)
