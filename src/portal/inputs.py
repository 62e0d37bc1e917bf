"""What comes from outside, bounded and given a type. Each complaint stands beside its field."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote_to_bytes

from portal.errors import InvalidError
from portal.passwords import LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_Value = TypeVar("_Value")

NAME_LENGTH = 120
EMAIL_LENGTH = 254
SHOWN_LENGTH = 10_000  # what was typed is shown again, but not without end
_FIELDS = 100
_DIGITS = 9
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)


@dataclass
class Form:
    """A submitted form. A field may be unreadable (not UTF-8): it is kept as far as it can be shown."""

    values: dict[str, str] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)

    @classmethod
    def parse(cls, body: bytes) -> Form:
        form = cls()
        for pair in body.split(b"&", _FIELDS)[:_FIELDS]:
            name, _, value = pair.partition(b"=")
            key = _unquote(name).decode("utf-8", "replace")
            raw = _unquote(value)
            form.values[key] = raw.decode("utf-8", "replace")
            if b"\xef\xbf\xbd" not in raw and "\ufffd" in form.values[key]:
                form.unreadable.add(key)
        return form

    def shown(self, name: str) -> str:
        return self.values.get(name, "").replace("\0", "\ufffd")[:SHOWN_LENGTH]


def _unquote(raw: bytes) -> bytes:
    return unquote_to_bytes(raw.replace(b"+", b" "))


class Inputs:
    """Reads the fields of one form and gathers what is wrong with each, so that all is said at once."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._errors: dict[str, str] = {}

    def check(self) -> None:
        if self._errors:
            raise InvalidError("Some fields need correcting.", fields=self._errors)

    def name(self, field_name: str, label: str) -> str:
        return self._read(field_name, lambda text: name(text, label)) or ""

    def text(self, field_name: str, label: str, most: int) -> str:
        return self._read(field_name, lambda text: paragraph(text, label, most)) or ""

    def email(self, field_name: str, *, optional: bool = False) -> str:
        return self._read(field_name, lambda text: "" if optional and not text.strip() else email_address(text)) or ""

    def password(self, field_name: str) -> str:
        return self._read(field_name, password) or ""

    def choice(self, field_name: str, label: str, choices: Collection[str]) -> str:
        return self._read(field_name, lambda text: choice(text, label, choices)) or ""

    def whole(self, field_name: str, label: str, low: int, high: int) -> int:
        return self._read(field_name, lambda text: whole(text, label, low, high)) or low

    def day(self, field_name: str, label: str, low: date, high: date) -> date:
        return self._read(field_name, lambda text: day(text, label, low, high)) or low

    def flag(self, field_name: str) -> bool:
        return self._form.values.get(field_name) in ("on", "true", "1")

    def _read(self, field_name: str, reader: Callable[[str], _Value]) -> _Value | None:
        try:
            if field_name in self._form.unreadable:
                raise InvalidError("This is not readable text (UTF-8). Type it again.")  # noqa: TRY301
            return reader(self._form.values.get(field_name, ""))
        except InvalidError as error:
            self._errors[field_name] = str(error)
            return None


def name(text: str, label: str) -> str:
    """One line with at least one visible character."""
    text = text.strip()
    if not any(unicodedata.category(letter)[0] not in "ZC" for letter in text):
        raise InvalidError(f"{label} is empty. Type it.")
    _bounded(text, label, NAME_LENGTH)
    return _printable(text, label, allowed="")


def paragraph(text: str, label: str, most: int) -> str:
    text = text.replace("\r\n", "\n").strip()
    _bounded(text, label, most)
    return _printable(text, label, allowed="\n\t")


def email_address(text: str) -> str:
    text = text.strip()
    _bounded(text, "The e-mail address", EMAIL_LENGTH)
    if not _EMAIL.fullmatch(text) or ".." in text:
        raise InvalidError("This is not an e-mail address. Type one such as kim@acme.test, in plain ASCII letters.")
    return text


def password(text: str) -> str:
    least, most = LENGTH
    if not least <= len(text) <= most:
        raise InvalidError(f"The password has {len(text)} characters. Use {least} to {most}.")
    return _printable(text, "The password", allowed="")


def choice(text: str, label: str, choices: Collection[str]) -> str:
    if text not in choices:
        raise InvalidError(f"{label} {_quoted(text)} is not on offer. Choose one from the list.")
    return text


def whole(text: str, label: str, low: int, high: int) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS) or not low <= int(text) <= high:
        raise InvalidError(f"{label} {_quoted(text)} cannot be used. Type a whole number from {low} to {high}.")
    return int(text)


def day(text: str, label: str, low: date, high: date) -> date:
    text = text.strip()
    try:
        value = date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        value = None
    if value is None:
        raise InvalidError(f"{label} {_quoted(text)} is not a date. Type it as {low}, year first.")
    if not low <= value <= high:
        raise InvalidError(f"{label} {value} is out of range. Choose a day from {low} to {high}.")
    return value


def search_text(text: str) -> str:
    """A search never fails: what cannot be searched for is left out."""
    return "".join(letter for letter in text if unicodedata.category(letter)[0] != "C").strip()[:NAME_LENGTH]


def _bounded(text: str, label: str, most: int) -> None:
    if len(text) > most:
        raise InvalidError(f"{label} has {len(text)} characters. Shorten it to {most} at most.")


def _printable(text: str, label: str, *, allowed: str) -> str:
    for position, letter in enumerate(text, 1):
        if letter not in allowed and unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp"):
            raise InvalidError(f"{label} has a control character (U+{ord(letter):04X}) at place {position}. Remove it.")
    return text


def _quoted(text: str) -> str:
    short = "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:40])
    return f"“{short}”" if short else "(nothing)"
