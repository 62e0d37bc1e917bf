"""What a search compares, and how."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate

Spelled = tuple[int, str]  # a name's number, and its spellings, case-folded
COMMON = 8  # texts that are looked at one by one in the time in which one is found in all of them


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


class Texts:
    """Searched as one text, which is quick where few have the word."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._all = "\0".join(texts)
        self._ends = list(accumulate([len(text) + 1 for text in texts]))

    def __contains__(self, word: str) -> bool:
        return word in self._all

    def __len__(self) -> int:
        return len(self._texts)

    def common(self, word: str) -> bool:
        """Whether so many have it that they are sooner looked at one by one."""
        return self._all.count(word) > len(self) // COMMON

    def having(self, word: str, fits: Callable[[str], bool]) -> Iterator[int]:
        """Which of them fit, of those with the word in them."""
        at = self._all.find(word)
        while 0 <= at < len(self._all):
            number = bisect_right(self._ends, at)
            if fits(self._texts[number]):
                yield number
            at = self._all.find(word, self._ends[number])
