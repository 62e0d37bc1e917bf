"""Text of others, spelled so that a person reads what it is, and nothing beside it reads otherwise."""

import unicodedata
from collections.abc import Iterator

FIRST_STRONG, POP = "\u2068", "\u2069"  # what stands between them is ordered by itself
TURNING = frozenset(("R", "AL", "AN"))  # bidi classes; characters that only control the order are spelled
UNSEEN = frozenset(("Cc", "Cf", "Zl", "Zp"))  # categories
SHAPELESS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")  # likewise, though they count as letters
JOINERS = frozenset("\u200c\u200d")
JOINED = frozenset(("Lo", "Mn", "Mc", "So", "Sk"))  # Persian words, scripts of India, emoji: they are spelled with them


def legible(text: str) -> str:
    """For a line of plain text that goes on after it."""
    if plain(text):
        return text
    told = "".join(f"[{code}]" if code and code != "␣" else code or piece for piece, code in spelled(text))
    return f"{FIRST_STRONG}{told}{POP}" if turns(told) else told


def plain(text: str) -> bool:
    """Whether it is read as it is: most texts are."""
    return text.isascii() and text.isprintable() and not text.isspace()


def turns(text: str) -> bool:
    """Whether any of it reads from right to left, and so could turn round what stands beside it."""
    return not text.isascii() and any(unicodedata.bidirectional(c) in TURNING for c in text)


def spelled(text: str) -> Iterator[tuple[str, str]]:
    """The text in pieces: what is read as it is, with "", and each character that is not seen, with its code.

    Spaces are seen between other characters. Where there are no others they are told, too.
    """
    if plain(text):
        yield text, ""
        return
    begin, blank = 0, text.isspace()
    for at, character in enumerate(text):
        if code := _code(text, at, blank=blank):
            if begin < at:
                yield text[begin:at], ""
            yield character, code
            begin = at + 1
    if begin < len(text):
        yield text[begin:], ""


def without_joiners(text: str) -> str:
    """They are not seen, and stand in names that people have."""
    return "".join(c for c in text if c not in JOINERS)


def printable(text: str) -> str:
    """In one line, and as it reads: no name in an entry makes a line of its own, or drives a terminal."""
    return "".join(c if c.isprintable() or c in (FIRST_STRONG, POP) else "\ufffd" for c in text)


def _code(text: str, at: int, *, blank: bool) -> str:
    character = text[at]
    if character.isspace():
        hidden = blank or unicodedata.category(character) in ("Zl", "Zp")
        return ("␣" if character == " " else _number(character)) if hidden else ""
    if character in JOINERS and _joins(text[at - 1 : at], text[at + 1 : at + 2]):
        return ""
    unseen = unicodedata.category(character) in UNSEEN or character in SHAPELESS
    return _number(character) if unseen else ""


def _joins(before: str, after: str) -> bool:
    return all(side and unicodedata.category(side) in JOINED for side in (before, after))


def _number(character: str) -> str:
    return f"U+{ord(character):04X}"
