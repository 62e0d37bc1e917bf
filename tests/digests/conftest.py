"""A log on every store, and digests of it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from indelible.desk import Desk
from indelible.log import Log
from indelible.work.announcements import By
from tests.webhooks.conftest import DANA
from tests.world import World

PAGES = "https://portal.test/audit"


@dataclass
class Post:
    """`desk` makes and sends; `by` is who adds."""

    log: Log
    log_url: str
    desk: Desk
    by: By = DANA

    def letters(self) -> list[tuple[str, str]]:
        with self.desk.work.transaction() as statements:
            return [(row[1], row[2]) for row in statements.run("due_letters", now=2**62)]


@pytest.fixture
def post(either: World) -> Iterator[Post]:
    desk = Desk.open(either.log, either.log_url, PAGES)
    yield Post(either.log, either.log_url, desk)
    desk.close()
