"""What a search compares."""


def fold(*spellings: str | None) -> str:
    """Case-folded, one spelling a line, each once."""
    return "\n".join(dict.fromkeys(s.casefold() for s in spellings if s))
