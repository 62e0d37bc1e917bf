"""What a search compares, and how."""

from collections.abc import Iterable

Spelled = tuple[int, str]  # a name's number, and its spellings, case-folded


def fold(*spellings: str | None) -> str:
    """Case-folded, one spelling a line, each once."""
    return "\n".join(dict.fromkeys(s.casefold() for s in spellings if s))


def spellings(name: str) -> tuple[str, str, str]:
    """How people look for LICENSE_ASSIGNED: as license.assigned and license assigned, too."""
    return name, name.replace("_", "."), name.replace("_", " ")


def longest(pattern: str) -> str:
    """What stands between two stars of it, or at an end: whatever it fits has this in it."""
    return max(pattern.split("*"), key=len)


def fitting(pattern: str, names: Iterable[Spelled]) -> list[int]:
    """Of these names the numbers of those with a spelling that the pattern fits."""
    part = longest(pattern)
    found = ((id_, folded) for id_, folded in names if part in folded)
    return [id_ for id_, folded in found if any(fits(pattern, spelling) for spelling in folded.split("\n"))]


def fits(pattern: str, text: str) -> bool:
    """Whether the pattern is the whole text, where each `*` stands for anything. In one walk, however many."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    last, at = rest.pop(), len(first)
    if not text.startswith(first) or not text.endswith(last):
        return False
    for part in rest:
        at = text.find(part, at) + len(part)
        if at < len(part):  # it is not there
            return False
    return at <= len(text) - len(last)
