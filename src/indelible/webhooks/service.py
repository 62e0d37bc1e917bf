"""The webhooks of one log, as hosts, pages and the command line use them."""

import asyncio
import logging
import secrets as chance
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Self

from indelible.errors import NotFoundError, UsageError
from indelible.follow import leaves
from indelible.log import Log
from indelible.webhooks import feed, payload, signing
from indelible.webhooks.deliveries import Attempt, Deliveries, Delivery, Result
from indelible.webhooks.endpoint import Endpoint
from indelible.webhooks.endpoints import Endpoints
from indelible.webhooks.guard import Network, networks
from indelible.webhooks.secret import Secrets, key_path
from indelible.work.announcements import By
from indelible.work.promise import Work

if TYPE_CHECKING:
    from indelible.webhooks.deliverer import Deliverer
    from indelible.webhooks.outcome import Answer

logger = logging.getLogger(__name__)

BATCH = 1000
PACKAGES = "Webhooks need more packages: pip install 'indelible[server]'"


class Webhooks:
    """`endpoints` is who asked, `deliveries` what became of it; `start` delivers."""

    def __init__(self, log: Log, work: Work, secrets: Secrets, *, allowed: Sequence[Network], pages: str) -> None:
        self._log = log
        self._work = work
        self._allowed = allowed
        self._pages = pages
        self._deliverer: Deliverer | None = None
        self.deliveries = Deliveries(work)
        self.endpoints = Endpoints(log, work, secrets, allowed=allowed, changed=self._look)

    @classmethod
    def of(cls, log: Log, work: Work, pages: str = "") -> Self:
        """As the environment sets it up. `pages`: where the audit pages are, as others reach them.

        Raises UsageError, LogError. Without its key nothing is signed: see `Endpoints.problem`.
        """
        secrets = Secrets.kept(key_path(log.store.key_path), work)
        return cls(log, work, secrets, allowed=networks(), pages=pages)

    def start(self) -> None:
        """Deliver, in a thread of this process, if no other one does. Raises UsageError."""
        if self.endpoints.problem:
            logger.error("Webhooks are not delivered: %s", self.endpoints.problem)
        try:
            from indelible.webhooks.deliverer import Deliverer
        except ImportError as error:
            raise UsageError(PACKAGES) from error
        self._deliverer = Deliverer(self._log, self._work, self.endpoints, allowed=self._allowed, pages=self._pages)
        self._deliverer.start()

    def stop(self) -> None:
        """What is not delivered goes on with the next start."""
        if self._deliverer is not None:
            self._deliverer.stop()
            self._deliverer = None

    def test(self, id_: str, by: By) -> Attempt:
        """Send one event that is none, now, and say what came of it. Raises NotFoundError, UsageError."""
        endpoint, now = self.endpoints.get(id_, by.organization), datetime.now(UTC)
        message, body = f"msg_{chance.token_hex(16)}", payload.test_body(id_, now)
        headers = signing.headers(message, int(now.timestamp()), body, self.endpoints.secrets(endpoint, now))
        started = _now()
        answer = asyncio.run(_post(self._allowed, endpoint.url, headers, body))
        attempt = Attempt(
            message, started, int(answer.took * 1e6), 0, answer.status, answer.failure, answer.body or None
        )
        delivery = Delivery(message, None, "delivered" if answer.delivered else "set aside", 1, _now())
        self.deliveries.write([Result(id_, delivery, attempt)], {}, {})
        told = {"status": answer.status} | ({"failure": answer.failure} if answer.failure else {})
        self.endpoints.record(id_, by, "WEBHOOK_TESTED", "test", told)
        return attempt

    def replay(self, id_: str, message: str, by: By) -> int:
        """Deliver one again. Raises NotFoundError."""
        self.endpoints.get(id_, by.organization)
        if not self.deliveries.replay(id_, message, _now()):
            raise NotFoundError(f"The webhook {id_} has no delivery {message[:60]!r} that could be made again.")
        return self._replayed(id_, by, 1, {"message": message})

    def replay_failed(self, id_: str, by: By) -> int:
        """Deliver all again that were set aside, and now those that wait after a failure."""
        self.endpoints.get(id_, by.organization)
        return self._replayed(id_, by, self.deliveries.replay_failed(id_, _now()), {"failed": True})

    def replay_range(self, id_: str, start: int, stop: int, by: By) -> int:
        """Deliver again what fits among the entries start <= seq < stop; what is yet to be looked at is not again."""
        endpoint, count = self.endpoints.get(id_, by.organization), 0
        found = self._fitting(endpoint, start, min(stop, endpoint.cursor))
        while batch := list(islice(found, BATCH)):
            self.deliveries.enroll(id_, batch, _now())
            count += len(batch)
        return self._replayed(id_, by, count, {"from": start, "until": stop})

    def feed(self, id_: str, query: str, headers: Mapping[str, str]) -> bytes:
        """See `feed`. Raises NotFoundError, UsageError, MalformedError for a request that is not signed."""
        endpoint = self.endpoints.get(id_)
        feed.authorize(headers, query, self.endpoints.secrets(endpoint, datetime.now(UTC)))
        return feed.feed(self._log, endpoint, feed.start_of(query), self._pages)

    def body(self, attempt: Attempt, seq: int | None) -> bytes | None:
        """What was sent, made again with the checkpoint of then; None of a test, or where none could be made."""
        if seq is None or not attempt.tree:
            return None
        return payload.body(self._log.entry(seq), self._log.line(seq), self._log.prover(attempt.tree), self._pages)

    def _fitting(self, endpoint: Endpoint, start: int, stop: int) -> Iterator[tuple[str, int]]:
        match = endpoint.match()
        while start < stop and (read := leaves(self._log, start, min(BATCH, stop - start))):
            for leaf in read:
                if match(leaf.entry):
                    yield signing.message_id(leaf.entry.id), leaf.entry.seq
            start += len(read)

    def _replayed(self, id_: str, by: By, count: int, told: dict[str, object]) -> int:
        self.endpoints.record(id_, by, "WEBHOOK_REPLAYED", "replay", told | {"deliveries": count})
        return count

    def _look(self) -> None:
        if self._deliverer is not None:
            self._deliverer.look()


async def _post(allowed: Sequence[Network], url: str, headers: dict[str, str], body: bytes) -> "Answer":
    try:
        from indelible.webhooks.client import Client
    except ImportError as error:
        raise UsageError(PACKAGES) from error
    async with Client(allowed) as client:
        return await client.post(url, headers | signing.JSON, body)


def _now() -> int:
    return time.time_ns() // 1000
