"""A log, and what is asked for and made of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from indelible.event import Organization
from indelible.exports.exports import Exports
from indelible.log import Log
from indelible.work.place import open_work
from indelible.work.promise import Work
from tests.checking import indexed
from tests.store.test_log import happened

ENTRIES = 2600


@pytest.fixture
def log(log_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    """Some in blocks, some behind them."""
    monkeypatch.setenv("INDELIBLE_EXPORTS", str(tmp_path / "exports"))
    with Log.create(log_url) as made:
        for start in range(0, ENTRIES, 1300):
            made.append(
                happened(organization=Organization("acme" if seq % 3 else "globex", "x"), reason=f'say "{seq}"')
                for seq in range(start, start + 1300)
            )
            indexed(made)
        made.sign()
        yield made


@pytest.fixture
def work(log: Log, log_url: str) -> Iterator[Work]:  # noqa: ARG001 - work is beside a log that is there
    made = open_work(log_url)
    yield made
    made.close()


@pytest.fixture
def exports(log: Log, work: Work) -> Exports:
    return Exports(log, work)
