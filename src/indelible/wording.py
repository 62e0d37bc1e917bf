"""What is wrong with what people write, in their words: in a file, where it is and what there is; in fields, each."""

import re
from collections.abc import Callable, Sequence

from indelible.errors import QueryError, UsageError

_AT = re.compile(r" - at `\$\.?(.*)`$")
_PLACE = re.compile(r"(\w+)\[(\d+)\]")
_KINDS = {
    "str": "a text", "int": "a number", "float": "a number", "bool": "true or false", "array": "a list",
    "object": "a table", "null": "nothing",
}  # fmt: skip


def wrong(**fields: Callable[[], object]) -> dict[str, str]:
    """Each field whose check raises UsageError or QueryError, and why."""
    found = {}
    for name, tried in fields.items():
        try:
            tried()
        except (UsageError, QueryError) as error:
            found[name] = str(error.args[0])
    return found


def place(error: Exception) -> str:
    """As `rule 2, on`, counted from 1; empty for the whole."""
    found = _AT.search(str(error))
    inner = found[1].replace("[...]", "") if found else ""
    return _PLACE.sub(lambda part: f"{part[1]} {int(part[2]) + 1}", inner).replace(".", ", ")


def fault(error: Exception, keys: Sequence[str], choices: Sequence[str]) -> str:
    """`keys` may stand at this place; `choices`: its values, where there are but a few."""
    text = _AT.sub("", str(error))
    match text.split("`"):
        case ["Object contains unknown field ", name, ""]:
            return f"there is no key {name!r}. There are: {', '.join(keys)}."
        case ["Object missing required field ", name, ""]:
            return f"the key {name!r} is missing."
        case ["Expected ", wanted, ", got ", given, ""]:
            return f"this is {_kinds(given)}, and is to be {_kinds(wanted)}."
    if text.startswith("Invalid enum value ") and choices:
        return f"{text.removeprefix('Invalid enum value ')} is none of: {', '.join(choices)}."
    return f"{text}."


def _kinds(names: str) -> str:
    kinds = [_KINDS.get(name, name) for name in names.split(" | ") if name != "null" or names == "null"]
    return " or ".join(dict.fromkeys(kinds))
