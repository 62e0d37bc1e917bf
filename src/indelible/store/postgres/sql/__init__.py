"""The statements, by name, and the schema, as the files beside this one spell them."""

from importlib.resources import files

from indelible.files import statements

FORMAT = 1  # of what `schema.sql` makes


def schema() -> str:
    return files(__name__).joinpath("schema.sql").read_text()


def queries() -> dict[str, str]:
    """Name to statement."""
    return statements(__name__, "queries.sql")
