"""Text of others, spelled so that a person reads what it is, and nothing beside it reads otherwise."""

import unicodedata

FIRST_STRONG, POP = "\u2068", "\u2069"  # what stands between them is ordered by itself
TURNING = frozenset(("R", "AL", "AN", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"))  # bidi classes


def legible(text: str) -> str:
    """For a line of plain text that goes on after it."""
    return f"{FIRST_STRONG}{text}{POP}" if turns(text) else text


def turns(text: str) -> bool:
    """Whether any of it reads from right to left, and so could turn round what stands beside it."""
    return not text.isascii() and any(unicodedata.bidirectional(c) in TURNING for c in text)


def printable(text: str) -> str:
    """In one line, and as it reads: no name in an entry makes a line of its own, or drives a terminal."""
    return "".join(c if c.isprintable() or c in (FIRST_STRONG, POP) else "\ufffd" for c in text)
