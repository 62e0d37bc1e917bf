"""`indelible history` tells what happened to a thing, or what it was."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from indelible.event import Entity
from indelible.log import Log
from tests.cli.conftest import Shell
from tests.store.test_log import happened

DAY = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def told(shell: Shell) -> Shell:
    shell.run("init", shell.log)
    seat = Entity("License", "lic 9/b", "Pro seat")
    later, changes = DAY + timedelta(days=2), {"plan": {"old": "free", "new": "pro"}}
    with Log.open(shell.log) as log:
        log.append(
            [
                happened(entity=seat, operation="create", occurred_at=DAY, changes={"plan": {"new": "free"}}),
                happened(entity=Entity("License", "lic 9"), occurred_at=DAY),
                happened(entity=seat, occurred_at=later, changes=changes),
            ]
        )
    return shell


def test_every_change_oldest_first(told: Shell) -> None:
    done = told.run("history", told.log, "License", "lic 9/b", "--json").stdout
    assert [json.loads(line)["seq"] for line in done.splitlines()] == [0, 2]
    assert b"plan: free" in told.run("history", told.log, "license", "lic 9/b").stdout


@pytest.mark.parametrize(
    ("at", "plan"), [("2026-11-20", "free"), ("2026-11-21T23:59Z", "free"), ("2026-11-22", "pro"), ("now", "pro")]
)
def test_what_it_was_at_a_time(told: Shell, at: str, plan: str) -> None:
    assert told.run("history", told.log, "License", "lic 9/b", "--at", at).stdout == f'plan: "{plan}"\n'.encode()
    found = json.loads(told.run("history", told.log, "License", "lic 9/b", "--at", at, "--json").stdout)
    assert (found["there"], found["name"], found["fields"]) == (True, "Pro seat", {"plan": plan})


def test_before_its_first_entry_it_was_not_there(told: Shell) -> None:
    found = json.loads(told.run("history", told.log, "License", "lic 9/b", "--at", "2026-11-19", "--json").stdout)
    assert found == {"there": False, "name": None, "fields": {}, "seq": None}
    said = told.run("history", told.log, "License", "lic 9/b", "--at", "2026-11-19").stderr
    assert said == b"Not there yet: the first entry of it, 0, is later.\n"


def test_what_the_log_knows_nothing_of_is_not_found(told: Shell) -> None:
    assert b"no entry of License lic" in told.run("history", told.log, "License", "lic", code=4).stderr
    assert (
        b"--at 'soon' is no date" in told.run("history", told.log, "License", "lic 9/b", "--at", "soon", code=2).stderr
    )
