"""One exact spelling, in JSON, for every value a database can hold.

=====================================  =========================================
in the database                        in the entry
=====================================  =========================================
NULL, true, false, text                null, true, false, "text"
integer within ±2^53                   1234
integer beyond (JSON readers round)    "9007199254740993"
the same in a column without a type    {"integer": "9007199254740993"}
decimal                                "12.50"
finite real                            12.5 (shortest text that reads back the same)
NaN, ±infinity                         {"float": "NaN" | "Infinity" | "-Infinity"}
bytes                                  {"bytes": "<base64>"}
text that is not UTF-8                 {"text": "<base64>"}
a redacted column                      {"redacted": true}
a value over 16 KB                     {"sha256": ..., "size": ..., "preview": ...}
=====================================  =========================================
"""

import base64
import hashlib
import math
import re
import secrets
from decimal import Decimal
from typing import Any

import msgspec

EXACT = 2**53  # beyond it a JSON reader that uses doubles shows another number
LARGE = 16 * 1024  # characters of JSON; larger values are kept beside the log
DEPTH = 50  # arrays and objects in each other: with what stands around them where they leave, 64 is not reached
NONCE = 32  # bytes
PREVIEW = 200  # characters
BEYOND = re.compile(r"-?[1-9][0-9]{15,18}")  # how an integer that JSON readers would round is spelled

REDACTED = {"redacted": True}


class BrokenText(bytes):
    """The bytes of a TEXT value that is not valid UTF-8 (SQLite stores whatever it is given)."""

    __slots__ = ()


def read_text(raw: bytes) -> str | BrokenText:
    """What a database driver calls for each TEXT value; never raises."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return BrokenText(raw)


def spell(value: object, *, typeless: bool = False) -> Any:
    """The JSON form of one database value. Total: every value has one.

    `typeless`: the column may hold the digits of a number as text too, so a number is not to be taken for that.
    """
    match value:
        case None | bool():
            return value
        case int():
            if -EXACT <= value <= EXACT:
                return value
            return {"integer": str(value)} if typeless else str(value)
        case float():
            return value if math.isfinite(value) else {"float": _name(value)}
        case str():
            return _text(value)
        case BrokenText():
            return {"text": base64.b64encode(value).decode()}
        case bytes() | bytearray() | memoryview():
            return {"bytes": base64.b64encode(bytes(value)).decode()}
        case Decimal():
            return str(value)
    return _text(str(value))


def shallow(value: Any, levels: int = DEPTH) -> bool:
    """Whether it is nested no deeper. How deep a reader goes depends on its language, its version, and who calls it."""
    if isinstance(value, dict):
        return levels > 0 and all(shallow(each, levels - 1) for each in value.values())
    if isinstance(value, list | tuple | set | frozenset):  # JSON has one word for them
        return levels > 0 and all(shallow(each, levels - 1) for each in value)
    return True


def text(spelled: Any) -> str | None:
    """How a person reads and looks for a spelled value; None for what has no text: NULL, and what was redacted.

    Of one that is kept beside the log, its beginning.
    """
    match spelled:
        case str(plain):
            return plain
        case None:
            return None
        case {"redacted": True} if len(spelled) == 1:  # with more in it, it is a document of somebody's
            return None
        case {"sha256": str(), "size": int(), "preview": str(preview)} if len(spelled) == 3:  # noqa: PLR2004 - these
            return preview
        case {"bytes": str(told)} | {"text": str(told)} | {"float": str(told)} | {"integer": str(told)} if (
            len(spelled) == 1
        ):
            return told
    return msgspec.json.encode(spelled).decode()


def unspell(spelled: Any, kind: str) -> Any:
    """The database value again, from the JSON form and its column's kind ("text", "decimal", ..., as it was watched).

    Raises ValueError for what only stands in a value's place: it is redacted, or kept beside the log.
    """
    match spelled:
        case {"integer": digits}:
            return int(digits)
        case {"float": name}:
            return float(name)
        case {"bytes": encoded}:
            return base64.b64decode(encoded)
        case {"text": encoded}:
            return BrokenText(base64.b64decode(encoded))
        case dict():
            raise ValueError(f"{spelled} stands in the place of a value.")
        case str() if kind == "decimal":
            return Decimal(spelled)
        case str() if kind not in ("text", "any") and BEYOND.fullmatch(spelled) and abs(int(spelled)) > EXACT:
            return int(spelled)
    return spelled


def _name(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _text(value: str) -> Any:
    try:
        value.encode()
    except UnicodeEncodeError:  # a lone surrogate: text to Python, not to UTF-8
        return {"text": base64.b64encode(value.encode("utf-8", "surrogatepass")).decode()}
    return value


class Attachment(msgspec.Struct, frozen=True):
    """A large value, kept beside the log under the hash that the entry carries.

    The nonce keeps a short list of guesses from being tried against the hash; once nonce and value
    are gone, the entry still proves that there was a value, and tells nothing of it.
    """

    hash: bytes  # SHA-256 of nonce + value
    nonce: bytes  # NONCE random bytes
    value: bytes  # the JSON of the spelled value, UTF-8


def set_aside(spelled: Any) -> tuple[dict[str, Any], Attachment]:
    """Replace a spelled value by its hash, size in bytes and preview; also give what to keep.

    Total: `preview` is the value's first characters for text, its first JSON characters otherwise.
    """
    value = msgspec.json.encode(spelled)
    nonce = secrets.token_bytes(NONCE)
    kept = Attachment(hashlib.sha256(nonce + value).digest(), nonce, value)
    preview = (spelled if isinstance(spelled, str) else value.decode())[:PREVIEW]
    return {"sha256": kept.hash.hex(), "size": len(value), "preview": preview}, kept
