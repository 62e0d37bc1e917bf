"""Texts as three characters at a time: what contains a word contains each three of it.

A gram is a number, so that those with a beginning in common lie side by side: 21 bits a character, the first one
highest. A text goes on with two characters that are none, so that its last ones begin a gram, too. The highest number
that begins with some characters is no gram: it stands for all that do.
"""

from collections.abc import Iterator

Range = tuple[int, int]  # start <= gram < stop

LENGTH = 3
LONGEST = 1000  # characters of a text that is cut; a longer one may have any word in it
LONG = 2**64 - 1  # in the place of its grams
_BITS = 21  # of a character


def grams(text: str) -> set[int]:
    """Of a case-folded text: one for each of its characters; of a long one, that it is long."""
    if len(text) > LONGEST:
        return {LONG}
    return {_number(text[at : at + LENGTH]) for at in range(len(text))}


def ranges(word: str) -> Iterator[Range]:
    """A text that contains the case-folded word has a gram in each of these."""
    if len(word) < LENGTH:
        start = _number(word)
        yield start, beginning(start, len(word)) + 1
        return
    found = dict.fromkeys(_number(word[at : at + LENGTH]) for at in range(len(word) - LENGTH + 1))
    yield from ((gram, gram + 1) for gram in found)


def beginning(gram: int, characters: int) -> int:
    """What stands for all grams with its first characters."""
    return gram | (1 << _BITS * (LENGTH - characters)) - 1


def exact(word: str) -> bool:
    """Whether having its gram is containing the word."""
    return len(word) <= LENGTH


def _number(characters: str) -> int:
    number = 0
    for character in characters.ljust(LENGTH, "\0"):
        number = number << _BITS | ord(character)
    return number
