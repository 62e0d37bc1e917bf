"""What a synchronous standby costs an append, and how soon appends go on once it has taken over.

    python benchmarks/standby.py [--entries 50000] [--rounds 3]

One log on a primary, both servers on this machine and on this disk, with `fsync`: the same appends while no standby is
asked for, and while one is, in turns. Between two machines the way there and back comes to it, once for each commit.
"""

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests import postgres
from tests.standby import Pair

from benchmarks.append import decode, events
from indelible.errors import LogError
from indelible.log import Log

SETTINGS = {"listen_addresses": "", "shared_buffers": "256MB", "max_wal_size": "4GB"}
THREADS = 16
SINGLE = 2000  # events that are appended one by one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    postgres.MEMORY = Path("/nowhere")  # the disk is what is measured
    pair = Pair(SETTINGS)
    try:
        with tempfile.TemporaryDirectory() as keys:
            os.environ["INDELIBLE_KEYS"] = keys
            with Log.create(pair.url) as log:
                measure(pair, log, arguments.entries, arguments.rounds)
                print(f"Appends went on {taken_over(pair, log):.2f} s after the standby was told to take over.")
    finally:
        pair.stop()


def measure(pair: Pair, log: Log, entries: int, rounds: int) -> None:
    made = iter(events(2 * rounds * (entries + SINGLE), 1000))
    found: dict[str, list[float]] = {"batches of 1,000": [], f"one by one, from {THREADS} threads": []}
    print("| appended | alone, a second | with a standby, a second | of it |\n| --- | --- | --- | --- |")
    rates = {(how, standby): list[float]() for how in found for standby in (False, True)}
    for _ in range(rounds):
        for standby in (False, True):
            pair.require(standby=standby)
            batches = [next(made) for _ in range(entries // 1000)]
            single = [line for _ in range(SINGLE // 1000) for line in next(made)]
            whole, apart = found
            rates[whole, standby].append(rate(entries, lambda batches=batches: in_batches(log, batches)))  # type: ignore[misc]  # bound
            rates[apart, standby].append(rate(len(single), lambda single=single: one_by_one(log, single)))  # type: ignore[misc]  # bound
    for how in found:
        alone, both = (statistics.median(rates[how, standby]) for standby in (False, True))
        print(f"| {how} | {alone:,.0f} | {both:,.0f} | {both / alone:.2f} |")


def rate(count: int, work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def in_batches(log: Log, batches: list[list[bytes]]) -> None:
    for batch in batches:
        log.append([decode(line) for line in batch])


def one_by_one(log: Log, lines: list[bytes]) -> None:
    def work(number: int) -> None:
        for line in lines[number::THREADS]:
            log.append([decode(line)])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def taken_over(pair: Pair, log: Log) -> float:
    """Seconds from the word to promote to the first append that is acknowledged."""
    (batch,) = events(1000, 1000)
    event = decode(batch[0])
    pair.primary.crash()
    began = time.perf_counter()
    pair.standby.promote()
    while True:
        with suppress(LogError):
            log.append_once([event])
            return time.perf_counter() - began
        time.sleep(0.01)


if __name__ == "__main__":
    main()
