"""The statements, by name, and the schema, as the files beside this one spell them."""

from importlib.resources import files

from indelible.files import statements

SQL = statements(__name__, "queries.sql")
FORMAT = 5  # of the file that `schema.sql` makes; `migrations/` has a step to each format from the one before


def schema() -> str:
    return files(__name__).joinpath("schema.sql").read_text()


def migration(to: int) -> str:
    """The step to one format. 1 is the first schema there was."""
    return files(__name__).joinpath("migrations", f"{to:04}.sql").read_text()
