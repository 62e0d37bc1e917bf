"""The schema and the statements, as the files beside this one spell them: what SQLite and PostgreSQL both read."""

from importlib.resources import files

from indelible.files import statements

FORMAT = 1  # of what `schema.sql` makes


def schema() -> str:
    return files(__name__).joinpath("schema.sql").read_text()


def queries() -> dict[str, str]:
    """Name to statement; values are named `:so`."""
    return statements(__name__, "queries.sql")
