"""Cases laid out in a line or two each."""

from collections.abc import Sequence

from tests.capture_torture.cases.tables import ROWS
from tests.capture_torture.model import POSTGRES, SQLITE, Case, Change, Statement


def on_postgres(  # noqa: PLR0917 - a case, laid out
    id_: str,
    promise: str,
    schema: str,
    run: Sequence[Statement],
    expected: Sequence[Change],
    setup: Sequence[str] = (),
    settings: Sequence[str] = (),
    roles: Sequence[str] = (),
) -> Case:
    return Case(
        id=id_,
        promise=promise,
        engines=POSTGRES,
        schema=schema,
        run=run,
        expected=expected,
        setup=setup,
        settings=settings,
        roles=roles,
    )


def on_sqlite(
    id_: str, promise: str, schema: str, run: tuple[Statement, ...], expected: tuple[Change, ...], *setup: str
) -> Case:
    return Case(id=id_, promise=promise, engines=SQLITE, schema=schema, setup=setup or ROWS, run=run, expected=expected)
