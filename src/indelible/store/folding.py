"""What a search compares, and how."""


def fold(*spellings: str | None) -> str:
    """Case-folded, one spelling a line, each once."""
    return "\n".join(dict.fromkeys(s.casefold() for s in spellings if s))


def spellings(name: str) -> tuple[str, str, str]:
    """How people look for LICENSE_ASSIGNED: as license.assigned and license assigned, too."""
    return name, name.replace("_", "."), name.replace("_", " ")


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
