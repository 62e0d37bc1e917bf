"""The oracle: whatever is done to the tables, replaying the log's changes gives exactly what they hold."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.capture_torture import ours
from tests.capture_torture.ours import OursOnSqlite
from tests.oracle.replay import Oracle
from tests.oracle.statements import STATEMENTS

EACH = 20  # statements of an example; with 100 examples 2,000 of an engine


@pytest.fixture(scope="module", params=sorted(ours.ADAPTERS))
def oracle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """One database for all examples of an engine."""
    engine = request.param
    if engine == "postgres":
        url = request.getfixturevalue("postgres").database()
    else:
        url = str(tmp_path_factory.mktemp("oracle") / "app.db")
    teller = ours.ADAPTERS[engine]()
    yield Oracle(engine, url, teller)
    teller.close()


@settings(max_examples=100)
@given(data=st.data())
def test_replaying_the_log_gives_the_tables(oracle: Oracle, data: st.DataObject) -> None:
    templates = STATEMENTS[oracle.place.engine]
    statement = st.one_of(*(template.strategy() for template in templates))
    oracle.begin()
    oracle.write(data.draw(st.lists(statement, min_size=EACH, max_size=EACH)))
    oracle.check()


MADE, CHANGED = "INSERT INTO orgs VALUES (1, 'a', 1)", "UPDATE orgs SET n = 2"


def test_the_oracle_sees_a_row_that_nobody_recorded(tmp_path: Path) -> None:
    assert differs(tmp_path, "DROP TRIGGER indelible_create_orgs", MADE) == "orgs: 0 rows are told, 1 are there"


def test_the_oracle_sees_a_value_that_was_not_recorded(tmp_path: Path) -> None:
    difference = differs(tmp_path, "DROP TRIGGER indelible_update_orgs", MADE, CHANGED)
    assert difference.startswith("orgs: {'id': 1, 'name': 'a', 'n': 2} is not told: [{'id': 1, 'name': 'a', 'n': 1}]")


def test_the_oracle_sees_a_change_of_a_row_that_is_not_there(tmp_path: Path) -> None:
    difference = differs(tmp_path, "DROP TRIGGER indelible_create_orgs", MADE, CHANGED)
    assert difference.endswith("changes a row that is not there: {}")


def differs(folder: Path, damage: str, *statements: str) -> str:
    teller = OursOnSqlite()
    try:
        oracle = Oracle("sqlite", str(folder / "app.db"), teller)
        with oracle.place.connection() as db:
            db.execute(damage)
        oracle.write([(statement, ()) for statement in statements])
        with pytest.raises(AssertionError) as caught:
            oracle.check()
        return str(caught.value).partition("\n")[0]
    finally:
        teller.close()
