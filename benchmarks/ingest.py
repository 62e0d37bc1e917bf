"""What it costs to record over HTTP: 1,000 events a request to `indelible serve`, against the same in this process.

    python benchmarks/ingest.py [--entries 100000] [--rounds 3] [--soak SECONDS]

One client on one connection, as a portal has it. Every batch is validated, sealed, on the disk and signed when its
answer comes. In this process the same events are decoded and appended, as `benchmarks/append.py` does it. In each round
both are measured, one after the other, each on a log of its own. With `--soak` events come
at half the rate that was found, for so long: memory, and how long an answer takes.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import msgspec

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.append import encode, log_append
from indelible.event import Actor, Context, Event, derive_id
from indelible.keys.keys import Keys
from indelible.log import Log
from indelible.sent import Sent, SentEvents
from indelible.work.announcements import By
from indelible.work.place import open_work

BATCH = 1000
sent_in = msgspec.json.Decoder(SentEvents).decode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--soak", type=float, default=0)
    arguments = parser.parse_args()
    bodies = [body(start) for start in range(0, arguments.entries, BATCH)]
    ratios, rates = [], []
    with tempfile.TemporaryDirectory(prefix="bench", dir=".") as folder:
        for number in range(arguments.rounds):
            urls = [f"sqlite:///{folder}/{number}-{name}.db" for name in ("inside", "http")]
            inside = arguments.entries / appended(urls[0], bodies)
            with served(urls[1]) as (client, process):
                rate = arguments.entries / posted(client, bodies)
                rates.append(rate)
                ratios.append(rate / inside)
                print(
                    f"| {number + 1} | {inside:,.0f} | {rate:,.0f} | {rate / inside:.2f} | {memory(process):.0f} MB |",
                    flush=True,
                )
        print(f"median: {statistics.median(ratios):.2f} of what this process does")
        if arguments.soak:
            with served(f"sqlite:///{folder}/soak.db") as (client, process):
                soak(client, process, bodies, statistics.median(rates) / 2, arguments.soak)


def body(start: int) -> bytes:
    events = [
        {
            "action": "LICENSE_ASSIGNED", "operation": "update", "occurred_at": "2026-11-20T09:14:03.512345Z",
            "actor": {"id": f"u_{n % 500}", "name": f"Person {n % 500}", "email": f"p{n % 500}@acme.test"},
            "entity": {"type": "License", "id": f"lic_{n % 9000}", "name": f"Seat {n % 9000}"},
            "organization": {"id": f"org_{n % 200}", "name": f"Organization {n % 200}"},
            "changes": {"assignee_id": {"old": None, "new": f"u_{n}", "new_name": "Kim"}},
            "context": {"source": "portal", "ip": "203.0.113.9", "request_id": f"r{n}"},
        }
        for n in range(start, start + BATCH)
    ]  # fmt: skip
    return json.dumps({"events": events}).encode()


def appended(url: str, bodies: list[bytes]) -> float:
    """Seconds, in this process."""
    batches = [[encode(event_of(sent)) for sent in sent_in(body).events] for body in bodies]
    with Log.create(url) as log:
        began = time.perf_counter()
        for batch in batches:
            log_append(log, batch)
        return time.perf_counter() - began


def event_of(sent: Sent) -> Event:
    at = sent.occurred_at
    assert at is not None
    return Event(
        action=sent.action, operation=sent.operation or "act", entity=sent.entity, occurred_at=at,
        actor=sent.actor or Actor(), id=derive_id(at, os.urandom(16).hex()), organization=sent.organization,
        changes={name: {"old": each.old, "new": each.new} for name, each in sent.changes.items()},
        context=Context(source="portal", ip="203.0.113.9", request_id=f"r{at}"), metadata={"api_key": "ik_0"},
    )  # fmt: skip


@contextmanager
def served(url: str) -> Iterator[tuple[httpx2.Client, int]]:
    """A client with a key, and the server's process."""
    with Log.create(url) as log:
        work = open_work(url)
        _, key = Keys(log, work).add(By(actor=Actor(id="bench")), name="bench", scopes=["append", "read"])
        work.close()
    command = [str(Path(sys.executable).with_name("indelible")), "serve", url, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        assert process.stdout is not None
        address = process.stdout.readline().partition("/?")[0]
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        try:
            with httpx2.Client(base_url=f"{address}/api/v1", headers=headers, timeout=60) as client:
                yield client, process.pid
        finally:
            process.terminate()


def posted(client: httpx2.Client, bodies: list[bytes]) -> float:
    began = time.perf_counter()
    for each in bodies:
        client.post("/events", content=each).raise_for_status()
    return time.perf_counter() - began


def memory(process: int, part: str = "VmRSS") -> float:
    """Megabytes that it has now; of these `RssAnon` are its own, the rest are files that it has mapped."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{part}:")) / 1024


def soak(client: httpx2.Client, process: int, bodies: list[bytes], rate: float, seconds: float) -> None:
    began, number, took, seen = time.monotonic(), 0, list[float](), list[tuple[float, float]]()
    while (now := time.monotonic() - began) < seconds:
        due = number * BATCH / rate
        if due > now:
            time.sleep(due - now)
        sent = time.perf_counter()
        client.post("/events", content=bodies[number % len(bodies)]).raise_for_status()
        took.append(time.perf_counter() - sent)
        number += 1
        if number % 20 == 0:
            seen.append((memory(process), memory(process, "RssAnon")))
    took.sort()
    third = max(1, len(seen) // 3)
    print(
        f"soak: {number * BATCH:,} events in {seconds:.0f} s; answers p50 {took[len(took) // 2] * 1e3:.0f} ms, "
        f"p99 {took[len(took) * 99 // 100] * 1e3:.0f} ms; memory {_mean(seen[:third])} in the first third, "
        f"{_mean(seen[-third:])} in the last"
    )


def _mean(seen: list[tuple[float, float]]) -> str:
    whole, own = (statistics.mean(each) for each in zip(*seen, strict=True))
    return f"{whole:.0f} MB ({own:.0f} of it its own)"


if __name__ == "__main__":
    main()
