"""The SQL of this folder, by name."""

from importlib.resources import files

from indelible.files import statements

WATCH = statements("indelible.capture.postgres", "watch.sql")
BASELINE = statements("indelible.capture.postgres", "baseline.sql")
DESCRIBE = statements("indelible.capture.postgres", "describe.sql")
SETUP, GUARD, DDL = (
    files("indelible.capture.postgres").joinpath(f"{name}.sql").read_text() for name in ("schema", "guard", "ddl")
)
