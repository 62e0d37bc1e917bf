"""A receiver as bad as they come, and a server that is killed: what tests and benchmarks put deliveries through."""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from indelible.event import read
from tests.store.test_log import happened
from tests.webhooks.conftest import DANA, Hooked
from tests.webhooks.receiver import Answer, Receiver

KINDS = (
    Answer(500), Answer(kind="reset"), Answer(kind="hang"), Answer(kind="dribble"),
    Answer(302, "Location: http://127.0.0.1:1/\r\n"),
    Answer(503, "Retry-After: 0\r\n"), Answer(404, body=b"x" * 100_000),
)  # fmt: skip


def unreliable(seed: int) -> Receiver:
    """Every other request goes wrong, in some way; a few of a thousand are answered 410."""
    chance = random.Random(seed)  # noqa: S311 - to be the same each time

    def behave(_number: int, _message: str) -> Answer:
        drawn = chance.random()
        if drawn < 0.5:
            return Answer()
        return Answer(410) if drawn > 0.997 else chance.choice(KINDS)

    return Receiver(behave)


@contextmanager
def server(url: str, seconds: float = 0.3, retry: float = 0.05) -> Iterator[subprocess.Popen[str]]:
    """Killed with -9 at the end."""
    command = [sys.executable, "-m", "tests.webhooks.server", url, str(seconds), str(retry)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "delivering\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class Came(NamedTuple):
    """What became of them."""

    lost: int
    twice: int
    requests: int
    resumed: int


def survive(hooked: Hooked, receiver: Receiver, entries: int, patience: float = 60.0) -> Came:
    """So many entries, and two kills on the way. Whoever looks after it switches the endpoint on again after a 410."""
    endpoint, _ = hooked.add(receiver.url, filter="entity:License")
    resumed = 0
    for share in (1 / 3, 2 / 3, 1.0):
        hooked.log.append([happened() for _ in range(entries // 3 + (entries % 3 if share == 1.0 else 0))])
        with server(hooked.log_url):
            until = time.monotonic() + patience
            while len({got.message for got in receiver.taken()}) < entries * share - (share < 1) * entries * 0.05:
                assert time.monotonic() < until, f"{len(receiver.taken())} of {entries} after {patience} s"
                time.sleep(0.05)
                if hooked.webhooks.endpoints.get(endpoint.id).state == "disabled":
                    hooked.webhooks.endpoints.resume(endpoint.id, DANA)
                    resumed += 1
    wanted = {f"msg_{read(line).id.hex}" for _, _, line in hooked.log.leaves(0, 2**62) if b'"License"' in line}
    taken = Counter(got.message for got in receiver.taken())
    return Came(len(wanted - taken.keys()), sum(count - 1 for count in taken.values()), len(receiver.got), resumed)
