"""What is different in two values: of nested ones the paths that changed, of texts the words."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

import msgspec

Part = tuple[str, bool]  # a piece of text, and whether the other side lacks it

LONGEST = 2000  # characters that are compared
LIKE = 0.3  # how much two texts have in common for it to be worth showing
SPECIAL = {"redacted", "sha256", "bytes", "text", "float", "integer"}  # what stands for one value: see `values`


def flat(name: str, change: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """A change, or the changes of what is nested in it, under their paths: `settings.theme`."""
    if "old" not in change or "new" not in change:
        return [(name, change)]
    old, new = _nested(change["old"]), _nested(change["new"])
    if old is None or new is None:
        return [(name, change)]
    return list(_differences(name, old, new)) or [(name, change)]


def words(old: str, new: str) -> tuple[list[Part], list[Part]]:
    """Both texts in pieces; whole, where they have little in common or are long."""
    if not old or not new or max(len(old), len(new)) > LONGEST:
        return [(old, False)], [(new, False)]
    before, after = _tokens(old), _tokens(new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < LIKE or old == new:
        return [(old, False)], [(new, False)]
    sides: tuple[list[Part], list[Part]] = [], []
    for tag, *ends in matcher.get_opcodes():
        for side, tokens, (start, stop) in zip(sides, (before, after), (ends[:2], ends[2:]), strict=True):
            if start < stop:
                side.append(("".join(tokens[start:stop]), tag != "equal"))
    return sides


def _tokens(text: str) -> list[str]:
    """A joiner belongs to what it joins: alone it would be no more than something that nobody sees."""
    return re.findall(r"(?:\w|\S?[\u200c\u200d]\S?)+|\s+|[^\w\s]", text)


def _nested(value: Any) -> dict[str, Any] | None:
    """A mapping by the names, or the numbers, of what is in it; of JSON in a text, too."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            value = msgspec.json.decode(value)
        except msgspec.DecodeError:
            return None
    if isinstance(value, list):
        return {str(number): each for number, each in enumerate(value)}
    return value if isinstance(value, dict) and not (value.keys() & SPECIAL and len(value) <= 3) else None  # noqa: PLR2004


def _differences(path: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in dict.fromkeys([*old, *new]):
        change = {side: values[name] for side, values in (("old", old), ("new", new)) if name in values}
        if change.get("old", ...) != change.get("new", ...):
            yield from flat(f"{path}.{name}", change)
