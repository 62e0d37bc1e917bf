"""The SQL of this folder, by name."""

from importlib.resources import files

from indelible.files import statements


def _filled(statement: str) -> str:
    """With the conditions that several statements have."""
    for name, text in _HERE.items():
        statement = statement.replace(name, text)
    return statement


_WATCH = statements("indelible.capture.postgres", "watch.sql")
_HERE = {"{here}": _WATCH.pop("here"), "{place}": _WATCH.pop("place")}
WATCH = {name: _filled(text) for name, text in _WATCH.items()}
BASELINE = statements("indelible.capture.postgres", "baseline.sql")
DESCRIBE = statements("indelible.capture.postgres", "describe.sql")
SETUP, GUARD, DDL = (
    files("indelible.capture.postgres").joinpath(f"{name}.sql").read_text() for name in ("schema", "guard", "ddl")
)
