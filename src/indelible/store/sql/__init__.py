"""The statements, by name, as the files beside this one spell them."""

import re
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def schema() -> str:
    return files(__name__).joinpath("schema.sql").read_text()


def queries() -> dict[str, str]:
    """Name to statement."""
    _, *parts = _NAME.split(files(__name__).joinpath("queries.sql").read_text())
    return {name: _statement(text) for name, text in zip(parts[::2], parts[1::2], strict=True)}


def _statement(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line and not line.startswith("--"))
