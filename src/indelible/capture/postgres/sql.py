"""The SQL of this folder, by name."""

from importlib.resources import files

from indelible.files import statements

WATCH = statements("indelible.capture.postgres", "watch.sql")
BASELINE = statements("indelible.capture.postgres", "baseline.sql")
SETUP = files("indelible.capture.postgres").joinpath("schema.sql").read_text()
DESCRIBE = statements("indelible.capture.postgres", "describe.sql")
DDL = files("indelible.capture.postgres").joinpath("ddl.sql").read_text()
