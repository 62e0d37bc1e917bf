"""The parts of a CREATE INDEX statement, taken from its text: SQLite tells columns by name, expressions not at all."""

import re

# A string or a name in quotes, a comment, or any other single character.
_WORD = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|/\*.*?(?:\*/|\Z)|.""", re.DOTALL
)
_ORDER = re.compile(r"\s+(ASC|DESC)\Z", re.IGNORECASE)
_WHERE = re.compile(r"\s*WHERE\b", re.IGNORECASE)


def index_parts(sql: str) -> tuple[list[str], str | None]:
    """What is indexed, in order, and the condition of a partial index. `sql` is what SQLite has accepted."""
    words = [" " if word.startswith(("--", "/*")) else word for word in _WORD.findall(sql)]  # a comment would
    start = words.index("(") + 1  # swallow what follows it in a longer line; a name in quotes is one word
    parts, depth, place = [""], 1, start
    while depth:
        word = words[place]
        depth += (word == "(") - (word == ")")
        if depth == 1 and word == ",":
            parts.append("")
        elif depth:
            parts[-1] += word
        place += 1
    rest = "".join(words[place:]).rstrip().rstrip(";")
    where = _WHERE.sub("", rest).strip() if _WHERE.match(rest) else None
    return [_ORDER.sub("", part.strip()) for part in parts], where
