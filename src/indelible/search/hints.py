"""What is said of a search that means something in another language than this one."""

import difflib
from collections.abc import Sequence

MEANT = {  # what others call it
    "actor": "user", "who": "user", "by": "user", "email": "user", "person": "user",
    "type": "entity", "object": "entity", "resource": "entity", "target": "entity",
    "tenant": "org", "customer": "org", "organization": "org", "organisation": "org",
    "event": "action", "column": "field",
    "after": "since", "from": "since", "before": "until", "to": "until",
    "when": "since: or until", "date": "since: or until", "time": "since: or until",
}  # fmt: skip
OPERATORS = ("OR", "AND", "NOT")
_JOINED = "Terms are joined by and; a minus leaves out, as -user:system; what is in quotes is looked for as it stands."


def no_field(key: str, keys: Sequence[str]) -> str:
    """Which field was meant."""
    close = MEANT.get(key.lower()) or next(iter(difflib.get_close_matches(key.lower(), keys, 1)), None)
    meant = f"Did you mean {close}:?" if close else f"There are {', '.join(keys)}."
    return f'{key[:40]}: is no field of a search. {meant} For the text itself use quotes: "{key[:40]}:…".'


def no_word(word: str) -> tuple[str, int] | None:
    """Of a bare word that joins or groups terms elsewhere: what is to be said, and of which of its characters.

    Looked for as a word it would find nothing. One that has both its parentheses, as `(trial)`, is a word.
    """
    if word in OPERATORS:
        return f"{word} joins no terms here. {_JOINED}", 0
    if word.count("(") != word.count(")"):
        at = min(at for at in (word.find("("), word.find(")")) if at >= 0)
        return f"Terms cannot be grouped. {_JOINED}", at
    return None
